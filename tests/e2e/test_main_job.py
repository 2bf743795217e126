"""The real daemon as a process: jobs end, people are told, the history is there."""

import json
import socket
import time
from collections import Counter

import pytest

from tests.e2e import servers
from tests.e2e.conftest import World

pytestmark = pytest.mark.e2e


def test_jobs_end_people_are_told_and_the_history_is_there(world: World) -> None:
    sim = world.simulator
    sim.create(suffix="past", durations=(0, 0, 0))
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        jobs = {
            "good": sim.create(suffix="good", durations=(100, 100, 400)),
            "bad": sim.create(suffix="bad", ending="failed", reason="invalid_training_file", durations=(100, 0, 0)),
            "unsafe": sim.create(suffix="unsafe", ending="failed", reason="safety_evaluation", durations=(0, 100, 200)),
            "stopped": sim.create(suffix="stopped", ending="cancelled", durations=(0, 100, 200)),
            "resting": sim.create(suffix="resting", ending="paused", durations=(0, 100, 100)),
        }
        found = servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 9)
        assert daemon.stop() == 0

    titles = Counter((arrival.via, arrival.title) for arrival in found)
    expected = ["✅ good has succeeded", "❌ bad has failed", "❌ unsafe has failed", "⏹ stopped was cancelled"]
    assert titles == Counter([("e-mail", title) for title in [*expected, "⏸ resting is paused"]]) + Counter(
        [("chat", title) for title in expected]
    )
    for arrival in found:
        assert jobs[arrival.title.split()[1]] in arrival.body
    bodies = {arrival.title: arrival.body for arrival in found if arrival.via == "e-mail"}
    assert "invalid_training_file" in bodies["❌ bad has failed"]
    assert "safety evaluations" in bodies["❌ unsafe has failed"]
    assert "Tuned model: ft:" in bodies["✅ good has succeeded"]

    steps = world.query(f"SELECT to_status, source FROM job_history WHERE job_id = '{jobs['good']}' ORDER BY change_id")
    assert [status for status, _ in steps][-2:] == ["running", "succeeded"]
    [(queued, ran)] = world.query(
        f"SELECT queued_seconds, running_seconds FROM job_summary WHERE job_id = '{jobs['good']}'"
    )
    # A hundred times faster than life: two seconds in the queue, four of running, and what the machine adds.
    assert queued >= 1
    assert ran >= 3
    [(metrics,)] = world.query(f"SELECT count(*) FROM job_metrics WHERE job_id = '{jobs['good']}'")
    assert metrics > 10
    [(checkpoints,)] = world.query("SELECT count(*) FROM job_checkpoints")
    assert checkpoints > 0
    assert world.query("SELECT DISTINCT state FROM notice_log") == [("sent",)]
    assert world.query("SELECT kind FROM notice_log WHERE job_id IS NULL OR job_id NOT LIKE 'ftjob-%'") == []

    with world.daemon() as daemon:
        sim.create(suffix="later", durations=(0, 0, 0))
        again = servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 2)
        assert daemon.stop() == 0
    assert [arrival.title for arrival in again] == ["✅ later has succeeded"] * 2
    assert world.arrivals.empty(), "a second start announces nothing again"


def test_jobs_that_end_while_the_daemon_is_down_are_announced(world: World) -> None:
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        assert daemon.stop() == 0
    for name in ("one", "two", "three"):
        world.simulator.create(suffix=name, durations=(0, 0, 0))
    with world.daemon() as daemon:
        found = servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 6)
        assert daemon.stop() == 0
    assert Counter(arrival.title.split()[1] for arrival in found) == {"one": 2, "two": 2, "three": 2}


def test_a_refused_key_is_told_once_and_so_is_its_mending(world: World) -> None:
    world.simulator.revoke("sim-key")
    with world.daemon() as daemon:
        blind = servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 2)
        health = servers.run("health", cwd=world.folder, env=world.env)
        world.simulator.restore("sim-key")
        back = servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 2)
        assert servers.run("health", cwd=world.folder, env=world.env).returncode == 0
        assert daemon.stop() == 0
    log = [json.loads(line) for line in daemon.log.splitlines()]
    assert [arrival.title for arrival in blind] == ["⚠ tunewatch is blind: account main"] * 2
    assert [arrival.title for arrival in back] == ["👀 tunewatch is back: account main"] * 2
    assert health.returncode == 69
    assert "refuses the key" in health.stdout
    assert sum("refuses the key" in entry["message"] for entry in log) == 1
    assert "sim-key" not in daemon.log + health.stdout


def test_a_killed_daemon_is_noticed_and_the_next_one_starts(world: World) -> None:
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        second = servers.run("run", cwd=world.folder, env=world.env)
        assert second.returncode == 75
        assert f"process {daemon.process.pid}" in second.stderr
        daemon.stop(9)
    health = servers.run("health", cwd=world.folder, env=world.env)
    assert health.returncode == 1
    assert "no daemon is running" in health.stdout
    with world.daemon() as daemon:
        world.simulator.create(suffix="next", durations=(0, 0, 0))
        servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 2)
        assert daemon.stop() == 0


def test_one_pass_for_cron_users_looks_delivers_and_ends(world: World) -> None:
    assert servers.run("poll", cwd=world.folder, env=world.env).returncode == 0
    world.simulator.create(suffix="cron", durations=(0, 0, 0))
    [report] = world.ask("poll")["accounts"]
    assert (report["changes"], report["notices"], report["problem"]) == (1, 1, None)
    assert world.arrivals.qsize() == 2
    world.simulator.down = 503
    assert servers.run("poll", cwd=world.folder, env=world.env).returncode == 69


def test_channels_can_be_tried_out(world: World) -> None:
    good = servers.run("test-notice", cwd=world.folder, env=world.env)
    assert (good.returncode, good.stdout.count("accepted")) == (0, 2)
    assert "This is a test: no job ended" in world.arrivals.get_nowait().body
    broken = {**world.env, "MAIL": "mailto://127.0.0.1:9?mode=insecure&from=a@example.com&to=b@example.com"}
    bad = servers.run("test-notice", "--channel", "mail", cwd=world.folder, env=broken)
    assert bad.returncode == 69
    assert "Connection refused" in bad.stderr
    assert servers.run("test-notice", "--channel", "nowhere", cwd=world.folder, env=world.env).returncode == 2


def test_a_stop_does_not_wait_for_a_destination_that_hangs(world: World) -> None:
    """Ten seconds at the most, and nothing is lost: the notice is sent at the next start."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        env = {**world.env, "CHAT": f"json://127.0.0.1:{port}/", "MAIL": f"json://127.0.0.1:{port}/other"}
        with servers.Program("run", "--log-format", "json", cwd=world.folder, env=env) as daemon:
            daemon.await_log("first sight")
            world.simulator.create(suffix="one", durations=(0, 0, 0))
            connection, _ = silent.accept()
            began = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - began < 10
            connection.close()
    with world.daemon() as daemon:
        found = servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 2)
        assert daemon.stop() == 0
    assert {arrival.title for arrival in found} == {"✅ one has succeeded"}
