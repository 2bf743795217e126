"""What many jobs say together: how many succeed, how long they wait and run, what they cost."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from typing import Any

from service import clock, model
from service.rules import cost

KEYS = ("month", "model", "account")
FIELDS = (
    "jobs", "succeeded", "failed", "cancelled", "unfinished", "success_rate", "median_queued_seconds",
    "median_running_seconds", "trained_tokens", "cost", "jobs_without_price",
)  # fmt: skip


@dataclass
class _Group:
    states: Counter[str] = field(default_factory=Counter)
    queued: list[int] = field(default_factory=list)
    running: list[int] = field(default_factory=list)
    tokens: int = 0
    costs: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    unpriced: int = 0

    def add(self, job: Mapping[str, Any], prices: Mapping[str, cost.Price]) -> None:
        self.states[job["state"]] += 1
        if job["queued_seconds"] is not None:
            self.queued.append(job["queued_seconds"])
        if job["running_seconds"] is not None:
            self.running.append(job["running_seconds"])
        if job["state"] == model.State.SUCCEEDED:
            self.tokens += job["trained_tokens"] or 0
        if found := price_of(job, prices):
            self.costs[found.currency] += found.amount
        elif job["state"] == model.State.SUCCEEDED:
            self.unpriced += 1

    def told(self) -> dict[str, Any]:
        ended = {state: self.states[state] for state in ("succeeded", "failed", "cancelled")}
        judged = ended["succeeded"] + ended["failed"]
        return {
            "jobs": self.states.total(),
            **ended,
            "unfinished": self.states.total() - sum(ended.values()),
            "success_rate": round(ended["succeeded"] / judged, 4) if judged else None,
            "median_queued_seconds": _median(self.queued),
            "median_running_seconds": _median(self.running),
            "trained_tokens": self.tokens,
            "cost": {currency: round(amount, 2) for currency, amount in sorted(self.costs.items())} or None,
            "jobs_without_price": self.unpriced,
        }


def summed(
    jobs: Iterable[Mapping[str, Any]], keys: Sequence[str], *, zone: tzinfo, prices: Mapping[str, cost.Price]
) -> list[dict[str, Any]]:
    """One row for each combination of the `keys` (of KEYS) that occurs, with FIELDS; the newest month first.

    `jobs`: rows of job_summary, one after the other. The month is that of the creation, in `zone`. The success rate
    leaves out cancelled jobs. `cost`: estimated, by currency, of the jobs that ended; None without a price.
    `jobs_without_price`: those that succeeded and are not in it.
    """
    groups: dict[tuple[str | None, ...], _Group] = {}
    for job in jobs:
        values = {"month": _month(job["created_at"], zone), "model": job["model"], "account": job["account"]}
        groups.setdefault(tuple(values[key] for key in keys), _Group()).add(job, prices)
    rows = [{**dict(zip(keys, names, strict=True)), **group.told()} for names, group in groups.items()]
    rows.sort(key=lambda row: [row[key] or "" for key in keys if key != "month"])
    return sorted(rows, key=lambda row: row.get("month") or "", reverse=True)


def price_of(job: Mapping[str, Any], prices: Mapping[str, cost.Price]) -> cost.Cost | None:
    """What an ended job of job_summary cost, by the owner's prices; None without one that fits."""
    if not prices or not model.State(job["state"]).ended:
        return None
    seconds = job["running_seconds"]
    return cost.estimate(
        prices,
        (job["model"], job["fine_tuned_model"]),
        # Tokens are billed when it came to a good end, hours in any case.
        tokens=job["trained_tokens"] if job["state"] == model.State.SUCCEEDED else None,
        ran=timedelta(seconds=seconds) if seconds is not None else None,
    )


def _median(values: Sequence[int]) -> int | None:
    # With what it brings along, it would stay in the daemon's memory, which never asks for it.
    import statistics  # noqa: PLC0415

    # A half goes up; Python's round() would take it to the even number.
    return int(statistics.median(values) + 0.5) if values else None


def _month(text: str | None, zone: tzinfo) -> str | None:
    if text is None:
        return None
    when = clock.from_text(text).astimezone(zone)
    return f"{when.year}-{when.month:02}"
