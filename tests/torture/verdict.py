"""The verdict over a campaign: everything that was promised and did not hold, one sentence each."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.torture.facts import KILLED, Arrival, Evidence, Generation, Job, Step

ENDS = ("succeeded", "failed", "cancelled")
_BUSY = 75


def violations(found: Evidence) -> list[str]:
    """Empty when all held."""
    checks = (_announcements, _deliveries, _silence, _repeats, _keys, _histories, _events, _ends, _logs)
    return [f"{check.__name__[1:]}: {text}" for check in checks for text in check(found)] + [
        f"database: {text}" for text in found.damage
    ]


def repeats(found: Evidence) -> Counter[str]:
    """How many arrivals too many each destination had."""
    copies = Counter((each.destination, each.notice_id) for each in found.arrivals)
    extra: Counter[str] = Counter()
    for (destination, _), count in copies.items():
        extra[destination] += count - 1
    return extra


def _announcements(found: Evidence) -> Iterator[str]:
    """Every end is one notice, which arrived everywhere."""
    ends = defaultdict(set)
    for row in found.deliveries:
        if row.kind in ENDS:
            ends[row.job_id].add(row.notice_id)
    arrived = {(each.destination, each.notice_id) for each in found.arrivals}
    for job in found.jobs:
        notices = ends[job.job_id]
        if len(notices) > 1:
            yield f"job {job.job_id} has several notices of its end: {sorted(notices)}"
        if job.fate != "told":
            continue
        missing = [name for name in found.destinations if not any((name, notice) in arrived for notice in notices)]
        if missing:
            yield f"the end of job {job.job_id} ({job.status}) never arrived at {', '.join(missing)}"


def _deliveries(found: Evidence) -> Iterator[str]:
    """Every row is sent and arrived, and what arrived has a row."""
    arrived = {(each.destination, each.notice_id) for each in found.arrivals}
    for row in found.deliveries:
        if row.state != "sent":
            yield f"notice {row.notice_id} to {row.destination} is {row.state}"
        elif (row.destination, row.notice_id) not in arrived:
            yield f"notice {row.notice_id} counts as sent to {row.destination}, where it never arrived"
    rows = {(row.destination, row.notice_id) for row in found.deliveries}
    for destination, notice in sorted(arrived - rows):
        yield f"notice {notice} arrived at {destination} and has no row"


def _silence(found: Evidence) -> Iterator[str]:
    """The past is not announced."""
    silent = {job.job_id for job in found.jobs if job.fate == "silent"}
    for row in found.deliveries:
        if row.job_id in silent:
            yield f"job {row.job_id} of the past was announced to {row.destination}"


def _repeats(found: Evidence) -> Iterator[str]:
    """A repeat is the last notice that a destination accepted of a daemon that was killed, and comes in a later one."""
    by_number = {each.number: each for each in found.generations}
    last: dict[tuple[str, int], Arrival] = {}
    copies: dict[tuple[str, str], list[Arrival]] = defaultdict(list)
    for each in found.arrivals:
        last[each.destination, each.generation] = each
        copies[each.destination, each.notice_id].append(each)
    for several in copies.values():
        for before, after in pairwise(several):
            place = f"notice {before.notice_id} at {before.destination}, daemons {before.generation} and"
            if before.generation == after.generation:
                yield f"{place} again the same: repeated with no kill between"
            elif not by_number[before.generation].killed:
                yield f"{place} {after.generation}: repeated, though the first of them was not killed"
            elif last[before.destination, before.generation] is not before:
                yield f"{place} {after.generation}: repeated, though the first of them got a later one through"


def _keys(found: Evidence) -> Iterator[str]:
    """Repeats can be recognised: the key is always the same, and holds the notice id."""
    keys = defaultdict(set)
    for each in found.arrivals:
        keys[each.destination, each.notice_id].add(each.key)
    for (destination, notice), several in keys.items():
        if len(several) > 1 or not all(notice in key for key in several):
            yield f"notice {notice} came to {destination} under {sorted(several)}"


def _histories(found: Evidence) -> Iterator[str]:
    for job in found.jobs:
        steps = found.history.get(job.job_id, ())
        if not steps:
            if job.status is not None:  # else it was removed at the provider, perhaps before anybody saw it
                yield f"job {job.job_id} has no history"
            continue
        for fault in _broken(job, steps):
            yield f"job {job.job_id}: {fault}: {' '.join(step.after for step in steps)}"


def _broken(job: Job, steps: Sequence[Step]) -> Iterator[str]:
    if steps[0].before is not None:
        yield f"its history begins with {steps[0].before!r}"
    if any(one.after != two.before or one.observed_at > two.observed_at for one, two in pairwise(steps)):
        yield "its history has a gap"
    if job.status is not None and steps[-1].after != job.status:
        yield f"its history does not end with {job.status!r}"
    if job.course is not None and not _is_subsequence([step.after for step in steps], job.course):
        yield f"its history is not in the order of {' '.join(job.course)}"


def _is_subsequence(some: Sequence[str], every: Sequence[str]) -> bool:
    ahead = iter(every)
    return all(status in ahead for status in some)


def _events(found: Evidence) -> Iterator[str]:
    for job in found.jobs:
        missing = job.event_ids - found.event_ids.get(job.job_id, frozenset())
        if missing:
            yield f"job {job.job_id} ({job.status}) lacks {len(missing)} of {len(job.event_ids)} events"


def _ends(found: Evidence) -> Iterator[str]:
    for each in found.generations:
        if each.code == _BUSY:
            yield f"daemon {each.number} did not get the lease"
        elif each.code != each.expected_code:
            expected = "SIGKILL" if each.expected_code == KILLED else each.expected_code
            yield f"daemon {each.number} ({each.end}) ended with {each.code}, not {expected}"


def _logs(found: Evidence) -> Iterator[str]:
    for each in found.generations:
        for text in each.complaints:
            yield f"daemon {each.number} ({each.end}) logged {text}"


def recoveries(generations: Sequence[Generation]) -> tuple[list[float], list[float]]:
    """Seconds until the first pass of those that got there: from their start, and from the kill before it."""
    from_start, from_kill = [], []
    for before, each in pairwise(generations):
        if before.killed and each.first_pass_at is not None:
            from_start.append(each.first_pass_at - each.started_at)
            from_kill.append(each.first_pass_at - before.ended_at)
    return from_start, from_kill
