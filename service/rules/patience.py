"""How long to wait, and when waiting has become news."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=1)
# Before a notice is given up; with the pauses below, these take an hour and a half.
_FEWEST_ATTEMPTS = 8
# A destination that failed this often in a row is called broken: with the pauses below, after half a minute.
FAILURES_TO_ANNOUNCE = 3
# The course (events, checkpoints) of a running job is read this many intervals apart, not at every pass.
COURSE_INTERVALS = 10
# A notice goes out without details rather than late: a pass spends at most so long on reading courses, and
# a request for them may take as long.
COURSE_BUDGET = timedelta(seconds=5)
FULL_READ_EVERY = timedelta(days=1)
# The models of an account, for the days on which they are shut down. An hour less than a day, so that whoever polls
# once a day leaves no day out.
MODELS_READ_EVERY = timedelta(hours=23)
# A model may take some minutes until it is there; after so long it is missing, and what could not be looked up for
# a day is no news any more.
MODEL_MISSING_AFTER = timedelta(hours=1)
MODEL_NEWS_FOR = timedelta(days=1)
_MODEL_PAUSE = timedelta(minutes=1)
# Nobody waits for the course of a job of the past, but one with very many events must not keep others waiting.
PAST_BUDGET = timedelta(minutes=1)
# Until it is looked again whether there is something of the past to read, when there was nothing, or not yet.
PAST_EVERY = timedelta(hours=1)
PAST_NOT_YET = timedelta(minutes=1)
_FIRST_RETURN = timedelta(minutes=1)
_LAST_RETURN = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How work spares the provider: after each piece it rests `times` as long as that took, at least `least`."""

    times: float
    least: timedelta = timedelta(0)

    def rest(self, took: timedelta) -> timedelta:
        return max(took * self.times, self.least)


# A tenth of the time, at most one job a second.
GENTLE = Pace(times=9, least=timedelta(seconds=1))
# For somebody who waits: half of the time.
BRISK = Pace(times=1)


def pause(failures: int, luck: float) -> timedelta:
    """The pause after the given number of failures in a row (1 or more): it triples, up to an hour.

    `luck` from 0 to 1 spreads it by a fifth to either side, so that many do not come back together.
    """
    tripled: int = 3 ** min(failures - 1, 10)
    grown = min(FIRST_RETRY * tripled, LONGEST_RETRY)
    return grown * (0.8 + 0.4 * luck)


def until_return(failures: int) -> timedelta:
    """The pause before work goes back to the one thing that failed so often, while it does other things: it triples,
    from a minute to a day."""
    tripled: int = 3 ** min(failures - 1, 10)
    return min(_FIRST_RETURN * tripled, _LAST_RETURN)


def is_blind(
    failing_since: datetime | None, now: datetime, *, refused: bool, blind_after: timedelta,
    pause: timedelta = timedelta(0),
) -> bool:  # fmt: skip
    """Whether an account that fails has to be announced: after a while, or when it refuses us twice in a row.

    Not at the first refusal: gateways answer 401 and 403 now and then, and each would be two notices.
    `failing_since`: the first failed pass since the last good one, None if this is it. `pause`: for how long the
    provider wants no further look; what will be too long then is told now, because then nobody looks.
    """
    failing = abs(now - failing_since) if failing_since else timedelta(0)
    if pause and failing + pause >= blind_after:
        return True
    return failing_since is not None and (refused or failing >= blind_after)


def until_model_is_there(age: timedelta) -> timedelta | None:
    """The pause before a model is looked up again whose job succeeded so long ago; None when it counts as missing.

    It grows with the age, from a minute on, and the last look is the one after an hour.
    """
    if age >= MODEL_MISSING_AFTER:
        return None
    return min(max(_MODEL_PAUSE, age / 2), max(_MODEL_PAUSE, MODEL_MISSING_AFTER - age))


def give_up(age: timedelta, attempts: int, give_up_after: timedelta) -> bool:
    """Whether a notice of this age has had its chance: a machine that was off for days still tries for hours."""
    return age >= give_up_after and attempts >= _FEWEST_ATTEMPTS


def overslept(now: datetime) -> datetime:
    """The latest moment that a pause begun by now can end; a later one was written by a clock since set back."""
    return now + 2 * LONGEST_RETRY
