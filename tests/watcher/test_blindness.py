"""An account that cannot be read: said once, through the channels, and taken back when it is over."""

from service import model
from tests.conftest import KEY, Bench


def _kinds(bench: Bench) -> list[model.Kind]:
    return [message.kind for key, message in bench.notifier.sent if key == "mail"]


def test_a_key_refused_twice_in_a_row_is_announced_once(bench: Bench) -> None:
    bench.poll()
    bench.simulator.revoke(KEY)
    for _ in range(5):
        bench.clock.move(seconds=30)
        report = bench.poll()
        assert "refuses the key" in (report.problem or "")
    assert _kinds(bench) == [model.Kind.WATCH_FAILING]
    assert KEY not in bench.notifier.sent[0][1].body


def test_a_short_failure_of_the_provider_is_no_news(bench: Bench) -> None:
    bench.poll()
    bench.simulator.stop()
    for _ in range(10):
        bench.clock.move(seconds=30)
        bench.watcher.poll(bench.clock.now())
    bench.simulator.start()
    bench.poll()
    assert _kinds(bench) == []


def test_a_long_failure_is_announced_and_so_is_its_end(bench: Bench) -> None:
    bench.poll()
    bench.simulator.stop()
    bench.watcher.poll(bench.clock.now())
    bench.clock.move(minutes=15)
    bench.poll()
    assert _kinds(bench) == [model.Kind.WATCH_FAILING]
    assert "cannot be reached" in bench.notifier.sent[0][1].body
    bench.simulator.start()
    bench.clock.move(minutes=5)
    bench.poll()
    assert _kinds(bench) == [model.Kind.WATCH_FAILING, model.Kind.WATCH_RECOVERED]
    assert "20 min" in bench.notifier.sent[-1][1].body
    bench.poll()
    assert len(_kinds(bench)) == 2


def test_blindness_outlives_a_restart_without_being_told_again(bench: Bench) -> None:
    bench.simulator.revoke(KEY)
    for _ in range(2):
        bench.poll()
        bench.clock.move(seconds=30)
    bench.watcher = bench.make_watcher()
    bench.clock.move(seconds=30)
    bench.poll()
    assert _kinds(bench) == [model.Kind.WATCH_FAILING]


def test_jobs_that_ended_during_blindness_are_announced_after_it(bench: Bench) -> None:
    bench.poll()
    bench.simulator.revoke(KEY)
    bench.simulator.create(suffix="unseen", durations=(60, 60, 60))
    for _ in range(2):
        bench.poll()
        bench.clock.move(hours=5)
    bench.simulator.restore(KEY)
    bench.poll()
    titles = [message.title for key, message in bench.notifier.sent if key == "mail"]
    assert titles == [
        "⚠ tunewatch is blind: account main",
        "✅ unseen has succeeded",
        "👀 tunewatch is back: account main",
    ]


def test_a_provider_that_asks_for_a_pause_gets_it(bench: Bench) -> None:
    bench.poll()
    bench.simulator.down, bench.simulator.retry_after = 429, 200
    report = bench.watcher.poll(bench.clock.now())
    assert report.next_in.total_seconds() == 200


def test_a_failing_pass_does_not_forget_what_is_known(bench: Bench) -> None:
    bench.simulator.populate(KEY, 5)
    bench.poll()
    before = bench.record.account("main")
    bench.simulator.revoke(KEY)
    bench.clock.move(minutes=1)
    bench.poll()
    after = bench.record.account("main")
    assert (after.baseline_at, after.watermark, after.last_good_at) == (
        before.baseline_at, before.watermark, before.last_good_at,
    )  # fmt: skip


def test_a_refusal_now_and_then_is_no_news(bench: Bench) -> None:
    """Gateways answer so; each would be two notices."""
    for _ in range(5):
        bench.poll()
        bench.simulator.revoke(KEY)
        bench.clock.move(seconds=30)
        bench.poll()
        bench.simulator.restore(KEY)
        bench.clock.move(seconds=30)
    assert _kinds(bench) == []
