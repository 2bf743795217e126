from datetime import timedelta

import pytest

from service.model import Event
from service.rules import stalling
from tests.builders import NOON, at

AFTER = timedelta(hours=6)


def event(minutes: float | None) -> Event:
    created_at = None if minutes is None else at(minutes)
    return Event(event_id="e", created_at=created_at, level="info", type="message", message="Step 1")


@pytest.mark.parametrize(
    ("hours", "level"),
    [(-1, None), (0, None), (5.99, None), (6, 0), (11.99, 0), (12, 1), (23.9, 1), (24, 2), (48, 3), (95.9, 3)],
)
def test_a_silence_is_news_after_a_while_and_at_each_doubling(hours: float, level: int | None) -> None:
    assert stalling.level(timedelta(hours=hours), AFTER) == level


@pytest.mark.parametrize(
    ("changed", "told", "since"),
    [
        (-60, None, -60),
        (-60, event(None), -60),
        (-60, event(-30), -30),
        (-60, event(-90), -60),
        # By the provider's clock, which is not ours.
        (-60, event(30), 0),
        # By ours, before it was set back.
        (30, None, 0),
    ],
)
def test_the_last_thing_that_happened_counts(changed: float, told: Event | None, since: float) -> None:
    found = stalling.silence(at(changed), told, read_at=NOON, now=NOON, unheard=False)
    assert (found.since, found.length) == (at(since), -timedelta(minutes=since))
    assert found.last_event is told


def test_what_may_not_have_been_read_yet_is_no_silence() -> None:
    """After a day on which the machine was off, every job would seem to stand still."""
    found = stalling.silence(at(-1440), event(-1430), read_at=at(-1400), now=NOON, unheard=False)
    assert found.length == timedelta(minutes=30)
    assert stalling.silence(at(-60), None, read_at=None, now=NOON, unheard=False).length == timedelta(0)


def test_without_events_for_long_the_status_alone_counts() -> None:
    found = stalling.silence(at(-60), None, read_at=None, now=NOON, unheard=True)
    assert found.length == timedelta(hours=1)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        # It can come to its next level then.
        (None, -60 + 360),
        # It would be twelve hours, but something may happen now, and then nothing for six.
        (0, 360),
        (3, 360),
    ],
)
def test_a_job_is_looked_at_again_when_there_can_be_news(level: int | None, expected: float) -> None:
    assert stalling.next_look(at(-60), level, stalled_after=AFTER, now=NOON) == at(expected)
