"""Which tuned models will be shut down, and when that has to be told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

# It is told so many days before, each once; who hears of it late hears it once, not four times.
_THRESHOLDS = (60, 30, 7, 1)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The end of the model that came of a job: from `day` on it cannot be used.

    `threshold`: the tightest one that is reached. `base`: the day is told of its base model only.
    """

    job_id: str
    day: date
    days_left: int
    threshold: int
    base: bool


def threshold(days_left: int) -> int | None:
    """The tightest number of days that is reached; None when it is too early, or too late."""
    return min((each for each in _THRESHOLDS if 0 <= days_left <= each), default=None)


def expected(
    tuned: Iterable[tuple[str, str, str | None]], listed: Mapping[str, date | None], today: date
) -> list[Expected]:
    """What has to be told of the models in `tuned` (job, model, base model), unless it was; the nearest end first.

    `listed`: every model that the provider lists, with its day. A tuned model that it does not list was removed,
    unless it lists none at all.
    """
    tuned = list(tuned)
    shows_tuned = any(name in listed for _, name, _ in tuned)
    there = [(job_id, name, base) for job_id, name, base in tuned if name in listed or not shows_tuned]
    ends = [_expected(job_id, listed.get(name), listed.get(base or ""), today) for job_id, name, base in there]
    return sorted((each for each in ends if each), key=lambda each: each.day)


def _expected(job_id: str, own: date | None, of_base: date | None, today: date) -> Expected | None:
    day = own or of_base
    days_left = (day - today).days if day else -1
    reached = threshold(days_left)
    if day is None or reached is None:
        return None
    return Expected(job_id=job_id, day=day, days_left=days_left, threshold=reached, base=own is None)
