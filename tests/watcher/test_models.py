"""The models that come of jobs: whether they are there, and how long they will be."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from service import errors
from service.model import Kind
from service.providers.openai_api import OpenAIProvider
from service.simulator import Account, Simulator
from tests.conftest import KEY, START, Bench
from tests.watcher.told import asked_for, kinds, look, notices_kept, told

BASE = "gpt-4.1-nano-2025-04-14"
MODELS = "/v1/models"


def _new_model(bench: Bench, **job: Any) -> str:
    """A job that has succeeded; the name of its model."""
    done = bench.simulator.create(durations=(0, 0, 0), model=BASE, **job)
    name = bench.provider.read(bench.provider.retrieve(done)).fine_tuned_model
    assert name
    bench.requests()
    return name


def _coming_model(bench: Bench, minutes: float) -> None:
    """A job that has succeeded, whose model will be there so many minutes later only."""
    job, now = bench.simulator.create(durations=(0, 0, minutes * 60), model=BASE), bench.clock.now()
    bench.clock.move(minutes=minutes)
    name = bench.provider.read(bench.provider.retrieve(job)).fine_tuned_model
    bench.clock.time = now
    finished_at = int(now.timestamp())
    bench.simulator.set_raw(KEY, job, status="succeeded", fine_tuned_model=name, finished_at=finished_at)
    bench.requests()


@dataclass
class Narrow:
    """Another provider, whose key may not do what `missing` names."""

    simulator: Simulator
    way: OpenAIProvider
    missing: set[str]


@pytest.fixture
def narrow(bench: Bench) -> Iterator[Narrow]:
    missing: set[str] = set()
    keys = {KEY: Account(missing_scopes=missing)}
    with Simulator(keys=keys, clock=lambda: bench.clock.now().timestamp()) as simulator:
        way = OpenAIProvider(account="main", api_key=KEY, base_url=simulator.url, request_timeout=timedelta(seconds=5))
        yield Narrow(simulator, way, missing)
        way.close()


def _facts(bench: Bench) -> list[tuple[bool, bool | None]]:
    return [(notice.facts["listed"], notice.facts["answered"]) for notice in told(bench)]


def _asked(bench: Bench, what: str) -> int:
    return sum(what in path for path in bench.requests())


class TestCheck:
    def test_a_new_model_that_is_there_is_told_of_with_its_job(self, bench: Bench) -> None:
        asked_for(bench, Kind.SUCCEEDED, Kind.MODEL_CHECK)
        look(bench)
        name = _new_model(bench, suffix="helper")
        look(bench, minutes=5)
        assert kinds(bench) == ["succeeded", "model_check"]
        notice = told(bench)[1]
        assert (notice.facts["listed"], notice.facts["answered"], notice.facts["reason"]) == (True, None, None)
        assert (notice.facts["fine_tuned_model"], notice.facts["suffix"]) == (name, "helper")
        assert bench.requests()[-1] == f"/v1/models/{name}"
        look(bench, minutes=5)
        assert len(told(bench)) == 2
        assert _asked(bench, MODELS) == 0

    def test_a_model_that_comes_late_is_waited_for(self, bench: Bench) -> None:
        asked_for(bench, Kind.MODEL_CHECK)
        look(bench)
        _coming_model(bench, minutes=20)
        for _ in range(60):
            look(bench, seconds=30)
        assert _facts(bench) == [(True, None)]
        assert timedelta(minutes=20) <= told(bench)[0].created_at - START < timedelta(minutes=30)
        assert 5 <= _asked(bench, MODELS) <= 10

    def test_a_model_that_is_not_there_after_an_hour_is_told_of_as_missing(self, bench: Bench) -> None:
        asked_for(bench, Kind.MODEL_CHECK)
        look(bench)
        bench.simulator.add_raw(KEY, bench.payload("ft-1", status="succeeded", fine_tuned_model="ft:none"))
        for _ in range(130):
            look(bench, seconds=30)
            if told(bench):
                break
        assert _facts(bench) == [(False, None)]
        assert bench.clock.now() - START == timedelta(hours=1, seconds=30)
        bench.requests()
        look(bench, minutes=5)
        assert _asked(bench, MODELS) == 0

    def test_looking_it_up_goes_on_in_another_process(self, bench: Bench) -> None:
        asked_for(bench, Kind.MODEL_CHECK)
        look(bench)
        _coming_model(bench, minutes=10)
        look(bench, seconds=30)
        asked_for(bench, Kind.MODEL_CHECK)
        look(bench, minutes=15)
        assert _facts(bench) == [(True, None)]

    def test_models_of_the_past_are_not_looked_up(self, bench: Bench) -> None:
        asked_for(bench, Kind.MODEL_CHECK)
        _new_model(bench)
        look(bench)
        look(bench, minutes=5)
        assert _asked(bench, MODELS) == 0
        assert kinds(bench) == []

    def test_nothing_is_looked_up_when_no_channel_asks(self, bench: Bench) -> None:
        asked_for(bench, Kind.SUCCEEDED)
        look(bench)
        _new_model(bench)
        look(bench, minutes=5)
        assert _asked(bench, MODELS) == 0
        asked_for(bench, Kind.MODEL_CHECK)
        look(bench, minutes=5)
        assert notices_kept(bench) == 1

    def test_nothing_is_asked_for_a_job_that_the_rules_of_all_channels_leave_out(self, bench: Bench) -> None:
        asked_for(bench, Kind.MODEL_CHECK, rules={"models": ("other*",)}, model_question=True)
        look(bench)
        _new_model(bench)
        look(bench, minutes=5)
        assert _asked(bench, "models") + _asked(bench, "chat") == 0

    def test_trouble_delays_no_end_and_is_got_over(self, bench: Bench, narrow: Narrow) -> None:
        narrow.missing.add("api.model.read")
        asked_for(bench, Kind.SUCCEEDED, Kind.MODEL_CHECK, Kind.MODEL_SHUTDOWN, way=narrow.way)
        look(bench)
        narrow.simulator.create(durations=(0, 0, 0))
        look(bench, minutes=5)
        look(bench, hours=2)
        assert kinds(bench) == ["succeeded"]
        narrow.missing.clear()
        look(bench, hours=1, minutes=1)
        assert kinds(bench) == ["succeeded", "model_check"]

    def test_a_provider_that_breaks_down_within_a_pass_is_no_trouble_of_the_pass(self, bench: Bench) -> None:
        asked_for(bench, Kind.SUCCEEDED, Kind.MODEL_CHECK)
        look(bench)
        _new_model(bench)
        asked_for(bench, Kind.SUCCEEDED, Kind.MODEL_CHECK, Kind.MODEL_SHUTDOWN)

        def breakdown() -> None:
            bench.simulator.down = 503

        assert bench.watcher.poll(bench.clock.move(minutes=5), queued=breakdown).problem is None
        assert kinds(bench) == ["succeeded"]
        assert _asked(bench, MODELS) == 2
        bench.simulator.down = None
        look(bench, minutes=5)
        assert kinds(bench) == ["succeeded", "model_check"]
        assert bench.requests().count(MODELS) == 0
        look(bench, hours=1)
        assert bench.requests().count(MODELS) == 1


class Hesitant(OpenAIProvider):
    """Its models are still being loaded when they are asked for the first time, or for so many times."""

    times = 1

    def ask(self, name: str) -> None:
        if self.times:
            self.times -= 1
            raise errors.Transient("still loading")
        super().ask(name)


class TestQuestion:
    @pytest.mark.parametrize(("times", "answered", "reason"), [(3, True, None), (99, False, "still loading")])
    def test_a_model_that_does_not_answer_yet_is_asked_again_for_an_hour(
        self, bench: Bench, times: int, answered: bool, reason: str | None
    ) -> None:
        hesitant = Hesitant(
            account="main", api_key=KEY, base_url=bench.simulator.url, request_timeout=timedelta(seconds=5)
        )
        hesitant.times = times
        asked_for(bench, Kind.MODEL_CHECK, model_question=True, way=hesitant)
        look(bench)
        _new_model(bench)
        for _ in range(66):
            look(bench, minutes=1)
        assert _facts(bench) == [(True, answered)]
        assert told(bench)[0].facts["reason"] == reason
        hesitant.close()

    def test_a_model_is_asked_for_a_word_once(self, bench: Bench) -> None:
        asked_for(bench, Kind.MODEL_CHECK, model_question=True)
        look(bench)
        _new_model(bench)
        look(bench, minutes=5)
        look(bench, minutes=5)
        assert _facts(bench) == [(True, True)]
        assert _asked(bench, "/v1/chat/completions") == 1

    def test_by_default_no_model_is_asked_anything(self, bench: Bench) -> None:
        asked_for(bench, Kind.MODEL_CHECK)
        look(bench)
        _new_model(bench)
        look(bench, minutes=5)
        assert _asked(bench, "/v1/chat/completions") == 0

    def test_a_model_that_may_not_be_asked_is_told_of_with_the_reason(self, bench: Bench, narrow: Narrow) -> None:
        narrow.missing.add("model.request")
        asked_for(bench, Kind.MODEL_CHECK, model_question=True, way=narrow.way)
        look(bench)
        narrow.simulator.create(durations=(0, 0, 0))
        look(bench, minutes=5)
        assert _facts(bench) == [(True, False)]
        assert "Missing scopes: model.request" in told(bench)[0].facts["reason"]


class TestShutdown:
    @pytest.mark.parametrize(
        ("left", "thresholds"), [(61, [60]), (40, [40, 30]), (5, [5, 1]), (0, [0]), (-1, []), (400, [])]
    )
    def test_each_threshold_is_told_once(self, bench: Bench, left: int, thresholds: list[int]) -> None:
        """Over eleven days, of the model of a job that had ended before the first sight as of any other."""
        asked_for(bench, Kind.MODEL_SHUTDOWN)
        name = _new_model(bench)
        day = date(2026, 11, 22) + timedelta(days=left)
        bench.simulator.shut_down(name, day.isoformat())
        look(bench)
        for _ in range(22):
            look(bench, hours=12)
        assert [notice.facts["days_left"] for notice in told(bench)] == thresholds
        for notice in told(bench):
            assert notice.facts["shutdown_date"] == day.isoformat()
            assert (notice.facts["fine_tuned_model"], notice.facts["base"]) == (name, False)

    def test_the_end_of_the_base_model_is_the_end_of_its_tuned_ones(self, bench: Bench) -> None:
        asked_for(bench, Kind.MODEL_SHUTDOWN)
        name = _new_model(bench)
        bench.simulator.shut_down(BASE, "2026-12-01")
        bench.simulator.shut_down(name, None)
        look(bench)
        assert [(notice.facts["days_left"], notice.facts["base"]) for notice in told(bench)] == [(9, True)]

    def test_a_day_that_is_moved_is_told_again(self, bench: Bench) -> None:
        asked_for(bench, Kind.MODEL_SHUTDOWN)
        name = _new_model(bench)
        for day in ("2026-12-01", "2026-12-03"):
            bench.simulator.shut_down(name, day)
            look(bench, hours=24)
        assert [notice.facts["shutdown_date"] for notice in told(bench)] == ["2026-12-01", "2026-12-03"]

    def test_one_request_a_day_is_made_whoever_looks(self, bench: Bench) -> None:
        """`tunewatch poll` from cron is a new process each time."""
        for _ in range(50):
            asked_for(bench, Kind.MODEL_SHUTDOWN)
            look(bench, hours=1)
        assert bench.requests().count(MODELS) == 3

    def test_nothing_is_asked_when_no_channel_asks(self, bench: Bench) -> None:
        asked_for(bench, Kind.SUCCEEDED)
        look(bench)
        assert MODELS not in bench.requests()

    def test_the_model_of_a_job_that_is_gone_counts_as_well(self, bench: Bench) -> None:
        asked_for(bench, Kind.MODEL_SHUTDOWN)
        name = _new_model(bench)
        payload = bench.payload("ft-1", fine_tuned_model=name)
        bench.simulator.add_raw(KEY, payload)
        look(bench)
        bench.simulator.remove(KEY, "ft-1")
        for _ in range(2):
            look(bench, minutes=5)
        assert bench.reading.job("ft-1")["gone_at"]
        bench.simulator.shut_down(name, "2026-12-01")
        look(bench, hours=24)
        assert "ft-1" in [notice.job_id for notice in told(bench)]

    def test_a_key_that_may_not_read_models_is_tried_once_a_day(self, bench: Bench, narrow: Narrow) -> None:
        narrow.missing.add("api.model.read")
        asked_for(bench, Kind.MODEL_SHUTDOWN, way=narrow.way)
        for _ in range(49):
            look(bench, minutes=30)
        assert [path for _, path in narrow.simulator.requests].count(MODELS) == 2

    def test_of_very_many_models_some_hundred_are_told_at_a_time(self, bench: Bench) -> None:
        bench.simulator.populate(KEY, 2000)
        asked_for(bench, Kind.MODEL_SHUTDOWN)
        counts = []
        for _ in range(4):
            look(bench, minutes=5)
            counts.append(notices_kept(bench))
        tuned = len([row for row in bench.reading.jobs(limit=5000) if row["fine_tuned_model"]])
        assert 500 <= counts[0] < 700
        assert counts[0] < counts[1] < counts[-1] <= tuned
        assert counts[-2] == counts[-1]
        assert bench.requests().count(MODELS) == 3

    def test_models_that_the_rules_of_all_channels_leave_out_cost_one_request_a_day_too(self, bench: Bench) -> None:
        bench.simulator.populate(KEY, 2000)
        asked_for(bench, Kind.MODEL_SHUTDOWN, rules={"models": ("other*",)})
        for _ in range(3):
            look(bench, minutes=5)
        assert notices_kept(bench) == 0
        assert bench.requests().count(MODELS) == 1
