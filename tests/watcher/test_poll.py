"""A poll pass, against a provider that lives by the test's clock."""

from datetime import timedelta

from service import model
from tests.conftest import KEY, Bench


def test_the_first_sight_of_an_account_is_silent(bench: Bench) -> None:
    """Jobs that had ended before are recorded, not announced."""
    bench.simulator.populate(KEY, 250)
    bench.poll()
    assert len(bench.states()) == 250
    assert bench.notifier.sent == []
    assert bench.record.account("main").baseline_at == bench.clock.now()


def test_a_first_sight_that_breaks_off_stays_silent_to_its_end(bench: Bench) -> None:
    """All or nothing: what the interrupted reading did not reach is no news when it is reached."""
    bench.simulator.populate(KEY, 250)
    page = bench.provider.jobs(None)
    bench.record.record(
        "main", [model.Update(job=bench.provider.read(item)) for item in page.items[:50]], bench.clock.now()
    )
    assert bench.record.account("main").baseline_at is None
    bench.clock.move(minutes=1)
    bench.poll()
    assert len(bench.states()) == 250
    assert bench.notifier.sent == []


def test_a_configured_age_announces_what_ended_within_it(bench: Bench) -> None:
    now = bench.clock.now()
    recent = bench.simulator.create(created_at=(now - timedelta(hours=20)).timestamp(), durations=(60, 60, 600))
    bench.simulator.create(created_at=(now - timedelta(hours=60)).timestamp(), durations=(60, 60, 600))
    bench.watcher = bench.make_watcher(first_run=timedelta(hours=24))
    bench.poll()
    assert [message.body.count(recent) for _, message in bench.notifier.sent] == [2, 2]


def test_a_job_is_followed_from_creation_to_success(bench: Bench) -> None:
    bench.poll()
    job = bench.simulator.create(suffix="helper", durations=(60, 120, 600))
    for _ in range(30):
        bench.clock.move(seconds=30)
        bench.poll()
    assert bench.steps(job) == ["validating_files", "queued", "running", "succeeded"]
    assert bench.notifier.titles() == ["✅ helper has succeeded"] * 2
    found = bench.reading.job(job)
    assert (found["queued_seconds"], found["running_seconds"]) == (180, 600)
    assert found["fine_tuned_model"] in bench.notifier.sent[0][1].body


def test_a_job_that_starts_and_ends_between_two_passes_is_announced(bench: Bench) -> None:
    bench.poll()
    job = bench.simulator.create(suffix="quick", durations=(1, 1, 5))
    bench.clock.move(minutes=5)
    bench.poll()
    assert bench.notifier.titles() == ["✅ quick has succeeded"] * 2
    assert bench.steps(job) == ["succeeded"]


def test_three_jobs_that_end_while_nobody_looks_are_announced(bench: Bench) -> None:
    bench.poll()
    for name, ending in (("one", "succeeded"), ("two", "failed"), ("three", "cancelled")):
        bench.simulator.create(suffix=name, ending=ending, durations=(60, 60, 60))  # type: ignore[arg-type]
    bench.poll()
    bench.clock.move(days=2)
    bench.watcher = bench.make_watcher()
    bench.poll()
    assert sorted(bench.notifier.titles()[::2]) == [
        "⏹ three was cancelled",
        "✅ one has succeeded",
        "❌ two has failed",
    ]
    bench.poll()
    assert len(bench.notifier.sent) == 6


def test_250_new_jobs_since_the_last_pass_are_all_announced(bench: Bench) -> None:
    """Three pages of news; the watermark tells where they end."""
    bench.poll()
    bench.requests()
    bench.clock.move(hours=1)
    for _ in range(250):
        bench.simulator.create(durations=(0, 0, 0), created_at=bench.clock.now().timestamp())
    bench.clock.move(minutes=1)
    bench.watcher = bench.make_watcher(course_budget=timedelta(0))
    bench.watcher.poll(bench.clock.now())
    assert bench.requests().count("/v1/fine_tuning/jobs") == 3
    assert len(bench.reading.deliveries(limit=1000)) == 500


def test_news_that_a_broken_off_pass_did_not_reach_are_found_by_the_next(bench: Bench) -> None:
    """The watermark moves at the end of a whole pass only; what was written by then is told of at once."""
    bench.poll()
    bench.clock.move(hours=1)
    for _ in range(250):
        bench.simulator.create(durations=(0, 0, 0), created_at=bench.clock.now().timestamp())
    bench.clock.move(minutes=1)
    bench.watcher = bench.make_watcher(course_budget=timedelta(0))

    def breakdown() -> None:
        bench.simulator.down = 503

    broken = bench.watcher.poll(bench.clock.now(), queued=breakdown)
    assert broken.problem
    assert (broken.notices, len(bench.states())) == (100, 100)
    bench.simulator.down = None
    bench.clock.move(minutes=1)
    whole = bench.watcher.poll(bench.clock.now())
    assert (whole.notices, len(bench.states())) == (150, 250)


def test_a_pass_that_changes_nothing_asks_once_and_writes_only_its_heartbeat(bench: Bench) -> None:
    bench.simulator.populate(KEY, 250)
    bench.poll()
    bench.requests()
    bench.clock.move(minutes=5)
    report = bench.poll()
    assert bench.requests() == ["/v1/fine_tuning/jobs"]
    assert (report.changes, report.next_in) == (0, timedelta(minutes=5))
    assert bench.record.account("main").last_good_at == bench.clock.now()


def test_an_unfinished_job_deep_in_the_listing_is_asked_for_by_its_id(bench: Bench) -> None:
    """Cheaper than the pages down to it."""
    old = bench.clock.now() - timedelta(days=400)
    job = bench.simulator.create(created_at=old.timestamp(), ending="endless")
    bench.simulator.populate(KEY, 500)
    bench.poll()
    bench.requests()
    bench.clock.move(seconds=30)
    bench.poll()
    assert bench.requests() == ["/v1/fine_tuning/jobs", f"/v1/fine_tuning/jobs/{job}"]


def test_the_course_of_a_running_job_is_read_every_ten_intervals(bench: Bench) -> None:
    """Progress is recorded, and yet most passes cost one request."""
    bench.poll()
    job = bench.simulator.create(durations=(0, 0, 3600))
    bench.clock.move(seconds=30)
    bench.poll()
    bench.requests()
    for _ in range(20):
        bench.clock.move(seconds=30)
        bench.poll()
    asked = bench.requests()
    assert asked.count(f"/v1/fine_tuning/jobs/{job}/events") == 2
    assert bench.reading.metrics(bench.reading.job(job))


def test_metrics_checkpoints_and_results_of_a_success_are_recorded(bench: Bench) -> None:
    bench.poll()
    job = bench.simulator.create(durations=(0, 0, 600))
    bench.clock.move(minutes=15)
    bench.poll()
    found = bench.reading.job(job)
    assert found["train_loss"] is not None
    assert len(bench.reading.metrics(found)) > 10
    assert bench.reading.checkpoints(found)
    assert bench.reading.events(job=found, limit=1)[0]["message"] == "The job has successfully completed"


def test_a_notice_does_not_wait_for_details_that_take_too_long(bench: Bench) -> None:
    """What there is no time for is read at a later pass."""
    bench.poll()
    job = bench.simulator.create(durations=(0, 0, 60))
    bench.clock.move(minutes=15)
    bench.watcher = bench.make_watcher(course_budget=timedelta(0))
    bench.poll()
    assert len(bench.notifier.sent) == 2
    assert bench.reading.events(job=bench.reading.job(job), limit=1) == []
    bench.clock.move(minutes=5)
    bench.watcher = bench.make_watcher()
    bench.poll()
    assert bench.reading.events(job=bench.reading.job(job), limit=1) != []
    assert len(bench.notifier.sent) == 2


def test_each_pause_of_a_job_is_told(bench: Bench) -> None:
    bench.simulator.add_raw(KEY, bench.payload("ft-p"))
    bench.poll()
    for status in ("pausing", "paused", "running", "paused"):
        bench.simulator.set_raw(KEY, "ft-p", status=status)
        bench.clock.move(minutes=1)
        bench.poll()
    assert bench.notifier.titles() == ["⏸ ft-p is paused"] * 4


def test_once_a_day_everything_is_read(bench: Bench) -> None:
    bench.simulator.populate(KEY, 250)
    bench.poll()
    bench.clock.move(days=1)
    bench.requests()
    bench.poll()
    assert bench.requests().count("/v1/fine_tuning/jobs") == 3


def test_a_deleted_result_file_costs_no_requests_for_ever(bench: Bench) -> None:
    """What is not there counts as read."""
    bench.poll()
    job = bench.simulator.create(durations=(0, 0, 0))
    for file in bench.provider.read(bench.provider.retrieve(job)).result_files:
        bench.provider._client.files.delete(file)
    bench.poll()
    bench.requests()
    bench.clock.move(hours=1)
    bench.poll()
    assert bench.requests() == ["/v1/fine_tuning/jobs"]


def test_a_result_that_comes_after_the_success_is_read(bench: Bench) -> None:
    bench.poll()
    done = bench.simulator.create(durations=(0, 0, 0))
    [file] = bench.provider.read(bench.provider.retrieve(done)).result_files
    bench.simulator.add_raw(KEY, bench.payload("ft-late", status="succeeded", result_files=[]))
    bench.poll()
    assert bench.reading.metrics(bench.reading.job("ft-late")) == []
    bench.simulator.set_raw(KEY, "ft-late", result_files=[file])
    bench.poll()
    assert len(bench.reading.metrics(bench.reading.job("ft-late"))) > 10


def test_of_many_jobs_that_end_at_once_the_first_are_written_while_the_courses_of_others_are_read(
    bench: Bench,
) -> None:
    """A page that is written only when all of it was read would keep its first notice waiting for the last course."""
    bench.poll()
    for number in range(30):
        bench.simulator.create(suffix=f"job-{number}", durations=(0, 0, 0))
    bench.clock.move(minutes=1)
    waiting: list[int] = []
    bench.watcher.poll(bench.clock.now(), queued=lambda: waiting.append(len(bench.reading.deliveries(limit=1000))))
    assert waiting == [20, 40, 60]
