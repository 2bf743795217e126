"""Quiet hours, company and the time of a digest, also on the nights when clocks are changed."""

import zoneinfo
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import model
from service.rules import notices, timing
from tests import builders
from tests.builders import NOON, at

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
# Whose clocks are changed by half an hour, or never, and whose offset is no whole hour.
ODD = [
    zoneinfo.ZoneInfo(name) for name in ("Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu")
]
TIMES = st.times(time(0), time(23, 59)).map(lambda each: each.replace(second=0, microsecond=0))
MOMENTS = st.integers(0, 2 * 365 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


def channel(begin: str, end: str) -> model.Channel:
    return builders.channel("quiet", quiet=(time.fromisoformat(begin), time.fromisoformat(end)))


def quiet(begin: str, end: str, now: str) -> str | None:
    """The end, for times in Berlin."""
    until = timing.quiet_until(channel(begin, end), datetime.fromisoformat(now).replace(tzinfo=BERLIN), BERLIN)
    return until.astimezone(BERLIN).strftime("%m-%d %H:%M %Z") if until else None


@pytest.mark.parametrize(
    ("begin", "end", "now", "until"),
    [
        ("22:00", "07:00", "2026-11-22 21:59:59", None),
        ("22:00", "07:00", "2026-11-22 22:00", "11-23 07:00 CET"),
        ("22:00", "07:00", "2026-11-23 00:00", "11-23 07:00 CET"),
        ("22:00", "07:00", "2026-11-23 06:59:59", "11-23 07:00 CET"),
        ("22:00", "07:00", "2026-11-23 07:00", None),
        ("00:00", "06:30", "2026-11-23 00:00", "11-23 06:30 CET"),
        ("12:00", "13:00", "2026-11-23 12:30", "11-23 13:00 CET"),
        ("12:00", "13:00", "2026-11-23 00:30", None),
        ("18:00", "00:00", "2026-11-23 23:59", "11-24 00:00 CET"),
    ],
)
def test_quiet_hours_by_the_owners_clock(begin: str, end: str, now: str, until: str | None) -> None:
    assert quiet(begin, end, now) == until


def test_a_channel_without_them_is_never_quiet() -> None:
    assert timing.quiet_until(builders.channel("loud"), NOON, BERLIN) is None


@pytest.mark.parametrize(
    ("begin", "end", "now", "until"),
    [
        ("22:00", "07:00", "2026-03-29 01:30", "03-29 07:00 CEST"),
        ("22:00", "02:30", "2026-03-29 01:59", "03-29 03:00 CEST"),
        ("22:00", "02:30", "2026-03-29 03:00", None),
        ("02:30", "07:00", "2026-03-29 01:59", None),
        ("02:30", "07:00", "2026-03-29 03:00", "03-29 07:00 CEST"),
    ],
)
def test_the_night_that_lacks_an_hour(begin: str, end: str, now: str, until: str | None) -> None:
    """What clocks skip comes when they skip it."""
    assert quiet(begin, end, now) == until


@pytest.mark.parametrize(
    ("begin", "end", "minutes"),
    [("22:00", "07:00", 10 * 60), ("22:00", "02:30", 5 * 60 + 30), ("02:30", "07:00", 5 * 60 + 30)],
)
def test_the_night_with_an_hour_twice_is_quiet_in_one_piece(begin: str, end: str, minutes: int) -> None:
    evening = datetime(2026, 10, 24, 18, 0, tzinfo=UTC)
    found = [
        timing.quiet_until(channel(begin, end), evening + timedelta(minutes=minute), BERLIN)
        for minute in range(12 * 60)
    ]
    silent = [minute for minute, until in enumerate(found) if until]
    assert len(silent) == minutes
    assert silent == list(range(silent[0], silent[-1] + 1))
    assert len({until for until in found if until}) == 1


@given(begin=TIMES, end=TIMES, now=MOMENTS, zone=st.sampled_from(ODD))
def test_it_is_quiet_until_the_end_and_no_longer(
    begin: time, end: time, now: datetime, zone: zoneinfo.ZoneInfo
) -> None:
    """Whoever comes back at the end is never sent away again."""
    hours = builders.channel("quiet", quiet=(begin, end))
    until = timing.quiet_until(hours, now, zone) if begin != end else None
    if until:
        assert now < until <= now + timedelta(hours=25)
        assert timing.quiet_until(hours, until - timedelta(seconds=1), zone) == until
        again = timing.quiet_until(hours, until, zone)
        assert again is None or again > until


@given(begin=TIMES, end=TIMES, now=MOMENTS, zone=st.sampled_from(ODD))
def test_on_all_other_days_the_clock_on_the_wall_decides(
    begin: time, end: time, now: datetime, zone: zoneinfo.ZoneInfo
) -> None:
    days = (now - timedelta(days=2), now + timedelta(days=2))
    if begin == end or len({each.astimezone(zone).utcoffset() for each in days}) > 1:
        return
    wall = now.astimezone(zone).time()
    within = begin <= wall < end if begin < end else wall >= begin or wall < end
    assert (timing.quiet_until(builders.channel("quiet", quiet=(begin, end)), now, zone) is not None) == within


@pytest.mark.parametrize(
    ("now", "moment"),
    [
        ("2026-11-23T07:59:59", "2026-11-22T08:00:00"),
        ("2026-11-23T08:00:00", "2026-11-23T08:00:00"),
        ("2026-11-23T23:30:00", "2026-11-23T08:00:00"),
        ("2026-07-23T07:00:00", "2026-07-23T07:00:00"),
    ],
)
def test_the_latest_nine_oclock(now: str, moment: str) -> None:
    found = timing.latest(time(9), datetime.fromisoformat(now).replace(tzinfo=UTC), BERLIN)
    assert found == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize("clock_time", [time(2, 30), time(0), time(9), time(1, 45)])
@pytest.mark.parametrize("zone", ODD, ids=str)
def test_every_day_has_one_moment_for_the_digest(clock_time: time, zone: zoneinfo.ZoneInfo) -> None:
    """Also a day on which it never is that time, or twice."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    moments = {timing.latest(clock_time, start + timedelta(minutes=30 * step), zone) for step in range(48 * 365)}
    days = [moment.astimezone(zone).date() for moment in moments]
    assert len(set(days)) == len(days)
    assert 365 <= len(days) <= 366


def waiting(minutes: float, kind: model.Kind = model.Kind.SUCCEEDED, *, attempts: int = 0) -> model.Delivery:
    """Queued so many minutes after NOON."""
    job = builders.job("succeeded")
    notice = notices.of_job(kind, job, events=(), metrics=(), page_url=None, now=at(minutes))
    return model.Delivery(delivery_id=1, notice=notice, attempts=attempts, created_at=at(minutes))


@pytest.mark.parametrize(
    ("line", "now", "until"),
    [
        ([waiting(0)], 0, 2),
        ([waiting(0), waiting(1)], 1.5, 2),
        ([waiting(0), waiting(1)], 2, None),
        ([waiting(0, attempts=1)], 0, None),
        ([waiting(-9, attempts=1), waiting(0)], 1, 2),
        ([waiting(0), waiting(1, model.Kind.WATCH_FAILING)], 1, None),
        ([waiting(0, model.Kind.DELIVERY_FAILED)], 0, None),
        ([waiting(60)], 0, None),
        ([], 0, None),
    ],
    ids=[
        "one", "two", "long enough", "tried already", "tried already, and one that came meanwhile", "trouble",
        "a notice that was lost", "the clock was set back", "nobody",
    ],
)  # fmt: skip
def test_how_long_they_wait_for_company(line: list[model.Delivery], now: float, until: float | None) -> None:
    group = builders.channel("group", group_wait=timedelta(minutes=2))
    assert timing.gathers_until(group, line, at(now)) == (None if until is None else at(until))


@pytest.mark.parametrize("rules", [{}, {"group_wait": timedelta(minutes=2), "digest_at": time(9)}])
def test_who_groups_nothing_does_not_wait(rules: dict[str, Any]) -> None:
    assert timing.gathers_until(builders.channel("plain", **rules), [waiting(0)], NOON) is None
