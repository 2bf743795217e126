"""How long to wait, and when waiting has become news."""

from datetime import datetime, timedelta

FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=1)
# A destination that failed this often in a row is called broken: with the pauses below, after half a minute.
FAILURES_TO_ANNOUNCE = 3
# The course (events, checkpoints) of a running job is read this many intervals apart, not at every pass.
COURSE_INTERVALS = 10
# A notice goes out without details rather than late: a pass spends at most so long on reading courses, and
# a request for them may take as long.
COURSE_BUDGET = timedelta(seconds=5)
FULL_READ_EVERY = timedelta(days=1)


def pause(failures: int, luck: float) -> timedelta:
    """The pause after the given number of failures in a row (1 or more): it triples, up to an hour.

    `luck` from 0 to 1 spreads it by a fifth to either side, so that many do not come back together.
    """
    tripled: int = 3 ** min(failures - 1, 10)
    grown = min(FIRST_RETRY * tripled, LONGEST_RETRY)
    return grown * (0.8 + 0.4 * luck)


def is_blind(failing_since: datetime, now: datetime, *, refused: bool, blind_after: timedelta) -> bool:
    """Whether an account that fails has to be announced: at once when we are refused, else after a while."""
    return refused or now - failing_since >= blind_after
