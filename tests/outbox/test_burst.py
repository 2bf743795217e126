"""Five hundred jobs end at once: how many messages, nothing missing, nothing twice."""

from datetime import timedelta

import pytest

from service import model
from tests.conftest import Bench, destination
from tests.outbox.conftest import flat, notice_of, office, told
from tests.rules import worlds

JOBS = [f"job-{number}" for number in range(500)]
MAIL = destination("mail", group_wait=timedelta(seconds=10))


def burst(bench: Bench) -> None:
    updates = []
    for name in JOBS:
        job, notice = notice_of(name, bench.clock.now())
        updates.append(model.Update(job=job, orders=(model.Order(notice=notice, destinations=(MAIL,)),)))
    bench.record.record("main", updates, bench.clock.now())
    bench.clock.move(seconds=10)


@pytest.mark.parametrize(("room", "messages"), [(100_000, 5), (4000, 28), (2000, 63)])
def test_they_make_few_messages_and_none_is_missing(bench: Bench, room: int, messages: int) -> None:
    outbox, bench.notifier.rooms = office(bench, MAIL), room
    burst(bench)
    report = outbox.deliver(MAIL, bench.clock.now())
    assert (report.sent, report.next_due) == (500, None)
    heard = told(bench)
    assert len(heard) == messages
    assert flat(heard) == JOBS


@pytest.mark.parametrize("room", [4000, 2000])
@pytest.mark.parametrize("death", ["crash before", "crash after"])
def test_a_process_that_dies_again_and_again_tells_all_of_them(bench: Bench, room: int, death: str) -> None:
    """At every third message, before it is accepted or after. The next one is then the same message (see Way), and
    only what may have arrived comes twice."""
    way = worlds.Way(rooms=room)
    burst(bench)
    deaths, done = 0, False
    while not done:
        way.plans = ["accept", "accept", death]
        try:
            done = not office(bench, MAIL, notifier=way).deliver(MAIL, bench.clock.now()).sent
        except worlds.Crash:
            deaths += 1
    assert deaths > 5
    assert len(way.accepted) == len(JOBS)
    assert set(way.accepted.values()) == ({1} if death == "crash before" else {1, 2})
