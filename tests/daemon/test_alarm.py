"""When trouble with the database becomes news, and to whom."""

from datetime import timedelta

from service import model
from service.daemon.alarm import Alarm
from tests.conftest import HandClock


def _kind(notice: model.Notice | None) -> model.Kind | None:
    return notice.kind if notice else None


def test_trouble_is_told_when_it_lasts_and_its_end_to_those_who_know(clock: HandClock) -> None:
    alarm = Alarm(timedelta(minutes=15))
    assert alarm.due("mail", clock.now()) is None
    alarm.trouble("full", clock.now())
    assert alarm.due("mail", clock.move(minutes=14)) is None
    alarm.trouble("full", clock.now())
    assert _kind(alarm.due("mail", clock.move(minutes=1))) is model.Kind.WATCH_FAILING
    assert alarm.due("mail", clock.move(minutes=1)) is None
    alarm.fine()
    assert _kind(alarm.due("mail", clock.now())) is model.Kind.WATCH_RECOVERED
    assert alarm.due("mail", clock.now()) is None
    assert alarm.due("chat", clock.now()) is None


def test_trouble_that_passes_is_no_news(clock: HandClock) -> None:
    alarm = Alarm(timedelta(minutes=15))
    alarm.trouble("locked", clock.now())
    alarm.fine()
    alarm.trouble("locked", clock.move(minutes=20))
    assert alarm.due("mail", clock.move(minutes=1)) is None
