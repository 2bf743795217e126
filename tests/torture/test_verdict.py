"""The checks can fail: each kind of breach is found, and a campaign without one passes."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.torture import soak, verdict
from tests.torture.facts import KILLED, STOPPED, Arrival, Delivery, Evidence, Generation, Job, Step
from tests.torture.processes import complaints

STEPS = (
    Step(before=None, after="queued", observed_at="2026-11-22T12:00:00Z"),
    Step(before="queued", after="running", observed_at="2026-11-22T12:00:01Z"),
    Step(before="running", after="succeeded", observed_at="2026-11-22T12:00:02Z"),
)


def arrival(notice: str, generation: int, destination: str = "mail", key: str | None = None) -> Arrival:
    return Arrival(destination=destination, notice_id=notice, key=key or f"<{notice}.1@x>", generation=generation)


def delivery(notice: str, job: str, destination: str = "mail", state: str = "sent") -> Delivery:
    return Delivery(notice_id=notice, destination=destination, job_id=job, kind="succeeded", state=state)


def generation(
    number: int, expected: int = KILLED, code: int | None = None, complaint: str | None = None
) -> Generation:
    return Generation(
        number=number, end="random", code=expected if code is None else code, expected_code=expected,
        started_at=number * 10.0, first_pass_at=number * 10.0 + 2, ended_at=number * 10.0 + 5,
        complaints=(complaint,) if complaint else (),
    )  # fmt: skip


# One and two were told; two came twice, because the daemon died before it had written the receipt. Old is past.
GOOD = Evidence(
    destinations=("mail",),
    generations=(generation(1), generation(2), generation(3, STOPPED)),
    arrivals=(arrival("tw-one", 1), arrival("tw-two", 1), arrival("tw-two", 2)),
    jobs=(
        Job(job_id="one", fate="told", status="succeeded", course=("validating", "queued", "running", "succeeded"),
            event_ids=frozenset({"a", "b"})),
        Job(job_id="two", fate="told", status="succeeded"),
        Job(job_id="old", fate="silent", status="succeeded"),
    ),
    deliveries=(delivery("tw-one", "one"), delivery("tw-two", "two")),
    history={"one": STEPS, "two": STEPS, "old": (Step(before=None, after="succeeded", observed_at="1"),)},
    event_ids={"one": frozenset({"a", "b", "c"})},
)  # fmt: skip


def test_a_campaign_in_which_all_held_passes() -> None:
    assert verdict.violations(GOOD) == []
    assert verdict.repeats(GOOD) == {"mail": 1}


def _without_arrival(good: Evidence) -> Evidence:
    return replace(good, arrivals=good.arrivals[1:])


def _with_arrivals(*more: Arrival) -> Callable[[Evidence], Evidence]:
    return lambda good: replace(good, arrivals=(*good.arrivals, *more))


def _with_delivery(row: Delivery) -> Callable[[Evidence], Evidence]:
    return lambda good: replace(good, deliveries=(*good.deliveries, row))


def _with_steps(*steps: Step) -> Callable[[Evidence], Evidence]:
    return lambda good: replace(good, history={**good.history, "one": steps})


def _with_generation(one: Generation) -> Callable[[Evidence], Evidence]:
    return lambda good: replace(good, generations=(*good.generations[:2], one, *good.generations[3:]))


def _peacefully_ended(good: Evidence) -> Evidence:
    return replace(good, generations=(generation(1, STOPPED), *good.generations[1:]))


BREACHES: dict[str, tuple[Callable[[Evidence], Evidence], str]] = {
    "a lost notice": (_without_arrival, "job one (succeeded) never arrived at mail"),
    "a receipt for what never arrived": (_without_arrival, "counts as sent to mail, where it never arrived"),
    "a destination left out": (
        lambda good: replace(good, destinations=("mail", "hook")), "job one (succeeded) never arrived at hook",
    ),
    "an end that is no notice": (
        lambda good: replace(good, deliveries=good.deliveries[1:]), "job one (succeeded) never arrived at mail",
    ),
    "an end told twice": (_with_delivery(delivery("tw-three", "one")), "job one has several notices"),
    "a notice that waits": (_with_delivery(delivery("tw-one", "one", "hook", "pending")), "to hook is pending"),
    "a notice given up": (_with_delivery(delivery("tw-one", "one", "hook", "failed")), "to hook is failed"),
    "a notice out of nowhere": (_with_arrivals(arrival("tw-ghost", 2)), "arrived at mail and has no row"),
    "the past told": (_with_delivery(delivery("tw-one", "old")), "job old of the past was announced"),
    "a repeat by one daemon": (_with_arrivals(arrival("tw-two", 2)), "again the same: repeated with no kill between"),
    "a repeat of what was not the last": (_with_arrivals(arrival("tw-one", 2)), "the first of them got a later one"),
    "a repeat after a peaceful end": (_peacefully_ended, "the first of them was not killed"),
    "a repeat under another key": (_with_arrivals(arrival("tw-two", 3, key="<tw-two.2@x>")), "came to mail under"),
    "a key without the notice id": (_with_arrivals(arrival("tw-one", 3, key="<other@x>")), "came to mail under"),
    "a chain with a gap": (_with_steps(STEPS[0], STEPS[2]), "its history has a gap"),
    "a chain that does not begin": (_with_steps(*STEPS[1:]), "its history begins with 'queued'"),
    "a chain that does not end": (_with_steps(*STEPS[:2]), "its history does not end with 'succeeded'"),
    "a chain back in time": (
        _with_steps(replace(STEPS[0], observed_at="2026-11-22T13:00:00Z"), *STEPS[1:]), "its history has a gap",
    ),
    "a chain in another order": (
        _with_steps(
            Step(before=None, after="running", observed_at="1"),
            Step(before="running", after="queued", observed_at="2"),
            Step(before="queued", after="succeeded", observed_at="3"),
        ), "its history is not in the order",
    ),
    "no chain at all": (_with_steps(), "job one has no history"),
    "a lost event": (
        lambda good: replace(good, event_ids={"one": frozenset({"a"})}), "job one (succeeded) lacks 1 of 2 events",
    ),
    "a traceback": (_with_generation(generation(3, STOPPED, complaint="Traceback")), "logged Traceback"),
    "a daemon that died by itself": (_with_generation(generation(3, code=1)), "ended with 1, not SIGKILL"),
    "a daemon that did not start": (_with_generation(generation(3, code=75)), "daemon 3 did not get the lease"),
    "a daemon that did not stop": (_with_generation(generation(3, STOPPED, KILLED)), "ended with -9, not 0"),
    "a broken file": (lambda good: replace(good, damage=("integrity_check: bad",)), "database: integrity_check: bad"),
}  # fmt: skip


@pytest.mark.parametrize(("breach", "words"), BREACHES.values(), ids=BREACHES)
def test_every_breach_is_found(breach: Callable[[Evidence], Evidence], words: str) -> None:
    assert any(words in text for text in verdict.violations(breach(GOOD)))


def test_recovery_is_counted_from_the_kill_before() -> None:
    assert verdict.recoveries(GOOD.generations) == ([2.0, 2.0], [7.0, 7.0])


def test_a_log_may_hold_neither_tracebacks_nor_critical_lines_nor_what_is_no_json() -> None:
    fine, bad = '{"level": "error", "message": "m"}', '{"level": "critical", "message": "m"}'
    raised = '{"level": "error", "message": "m", "exception": "Traceback"}'
    text = "\n".join((fine, bad, raised, "Traceback (most recent call last):", '{"level": "in'))
    assert complaints(text, cut=True) == [bad, raised, "Traceback (most recent call last):"]
    assert complaints(text, cut=False)[-1] == '{"level": "in'
    assert complaints(f"{fine}\nRefused: why\n", cut=False, allowed="Refused") == []


@pytest.mark.parametrize(("rss", "descriptors", "found"), [(1.0, 0, 0), (1.3, 0, 1), (1.0, 20, 1), (1.3, 20, 2)])
def test_growth_is_found(rss: float, descriptors: int, found: int) -> None:
    """Over ten minutes, evenly; what comes before the warm-up is over does not count."""
    first = soak.Sample(
        seconds=0, rss=100_000, pss=90_000, anonymous=80_000, descriptors=20, threads=9, database=1, wal=1
    )
    samples = [replace(first, rss=1)]
    for part in (number / 120 for number in range(121)):
        grown, opened = round(100_000 * (1 + (rss - 1) * part)), 20 + int(descriptors * part)
        samples.append(replace(first, seconds=part * 600, rss=grown, descriptors=opened))
    assert len(soak.growth(samples)) == found
