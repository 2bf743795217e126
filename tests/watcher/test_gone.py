"""Jobs that a listing no longer has."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service import model
from service.providers.openai_api import OpenAIProvider
from service.store import schema
from tests.conftest import KEY, START, Bench
from tests.watcher import told
from tests.watcher.study import Study


def test_ended_jobs_that_a_whole_listing_did_not_have_are_gone_without_a_word(study: Study) -> None:
    bench = study.bench
    bench.simulator.populate(KEY, 250)
    bench.poll()
    removed = list(bench.states())[100:200]
    for job_id in removed:
        bench.simulator.remove(KEY, job_id)
    bench.clock.move(hours=1)
    bench.poll()
    assert study.one.left() == 250  # not read to its end
    bench.clock.move(days=1)
    bench.poll()
    assert _gone(bench) == set(removed)
    assert study.one.left() == 150
    assert told.notices_kept(bench) == 0


def test_a_job_that_is_listed_again_is_no_longer_gone(study: Study, three: tuple[str, str, str]) -> None:
    bench = study.bench
    bench.record.unlisted("main", three[1:], bench.clock.now())
    assert _gone(bench) == {three[0]}
    bench.poll()
    assert _gone(bench) == set()
    assert sum(report.read for report in study.read_all()) == 3


@pytest.mark.parametrize("fault", ["empty", "repeated", "endless", "unreadable"])
def test_a_listing_that_cannot_be_trusted_makes_nothing_gone(bench: Bench, fault: str) -> None:
    bench.simulator.populate(KEY, 150)
    bench.poll()
    bench.simulator.remove(KEY, next(iter(bench.states())))
    bench.watcher = bench.make_watcher(most_pages=1 if fault == "endless" else 10)
    quirks = {"empty": {"empty_list": True}, "repeated": {"repeat_page": True}}.get(fault, {})
    bench.simulator.quirks = type(bench.simulator.quirks)(**quirks)
    if fault == "unreadable":
        bench.simulator.add_raw(KEY, {"status": "succeeded", "id": None})
    bench.watcher.poll(bench.clock.now(), full=True)
    assert _gone(bench) == set()


def test_an_unfinished_job_that_is_not_listed_but_there_is_not_gone(bench: Bench) -> None:
    """It ended while the listing was wrong about it."""

    class Forgetful(OpenAIProvider):
        def jobs(self, after: str | None) -> model.Page:
            page = super().jobs(after)
            return model.Page(items=page.items[1:], after=page.after)

    bench.simulator.create(durations=(0, 0, 0))
    hidden = bench.simulator.create(durations=(9, 9, 9), created_at=START.timestamp())
    bench.poll()
    bench.clock.move(minutes=5)
    way = Forgetful(account="main", api_key=KEY, base_url=bench.simulator.url, request_timeout=timedelta(seconds=5))
    bench.make_watcher(way=way).poll(bench.clock.now(), full=True)
    way.close()
    assert (bench.states()[hidden], _gone(bench)) == ("succeeded", set())


def _gone(bench: Bench) -> set[str]:
    query = sa.select(schema.job.c.job_id).where(schema.job.c.gone_at.is_not(None))
    with bench.record._engine.connect() as connection:
        return set(connection.execute(query).scalars())
