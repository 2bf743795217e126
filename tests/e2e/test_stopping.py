"""Signals: out within ten seconds whatever it was doing, and back where it was."""

import contextlib
import dataclasses
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.e2e import servers
from tests.e2e.conftest import World

pytestmark = pytest.mark.e2e


@contextlib.contextmanager
def _silent() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(servers.TIMEOUT)
        yield server


def _port(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def _stopped_cleanly(world: World, daemon: servers.Program) -> None:
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 10
    assert "Traceback" not in daemon.log
    assert world.query("PRAGMA integrity_check") == [("ok",)]


def _told_at_the_next_start(world: World, suffix: str) -> None:
    with world.daemon() as daemon:
        found = servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 2)
        assert daemon.stop() == 0
    assert [arrival.title for arrival in found] == [f"✅ {suffix} has succeeded"] * 2


def test_a_stop_in_the_middle_of_a_look(world: World) -> None:
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        daemon.stop()
    world.simulator.create(suffix="one", durations=(0, 0, 0))
    with _silent() as server:
        elsewhere = dataclasses.replace(world, env={**world.env, "BASE_URL": f"http://127.0.0.1:{_port(server)}/v1"})
        with elsewhere.daemon() as daemon, server.accept()[0]:
            _stopped_cleanly(world, daemon)
    assert world.query("SELECT failing_since FROM account") == [(None,)], "our own end is no trouble of the account"
    _told_at_the_next_start(world, "one")


def test_a_stop_while_the_provider_has_us_wait(world: World) -> None:
    """The SDK itself waits as long as the answer says before it tries again."""
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        world.simulator.retry_after = 60
        world.simulator.down = 429
        world.simulator.create(suffix="one", durations=(0, 0, 0))
        before = len(world.simulator.requests)
        while len(world.simulator.requests) == before:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.process.wait(0.05)
        _stopped_cleanly(world, daemon)
    world.simulator.down = None
    _told_at_the_next_start(world, "one")


def test_a_stop_in_the_middle_of_a_mail(world: World) -> None:
    with _silent() as server:
        mail = f"mailto://127.0.0.1:{_port(server)}?mode=insecure&from=a@example.com&to=b@example.com"
        hanging = dataclasses.replace(world, env={**world.env, "MAIL": mail})
        with hanging.daemon() as daemon:
            daemon.await_log("first sight")
            world.simulator.create(suffix="one", durations=(0, 0, 0))
            with server.accept()[0]:
                servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 1)
                _stopped_cleanly(world, daemon)
    with world.daemon() as daemon:
        [late] = servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 1)
        assert daemon.stop() == 0
    assert (late.via, late.title) == ("e-mail", "✅ one has succeeded")


def test_a_stop_while_a_destination_rests_and_the_next_start_does_not_wait_for_it(world: World) -> None:
    broken = dataclasses.replace(world, env={**world.env, "CHAT": "json://127.0.0.1:9", "MAIL": "json://127.0.0.1:9/x"})
    with broken.daemon() as daemon:
        daemon.await_log("first sight")
        world.simulator.create(suffix="one", durations=(0, 0, 0))
        daemon.await_log("refused")
        daemon.await_log("refused")
        _stopped_cleanly(world, daemon)
    _told_at_the_next_start(world, "one")


def test_a_hangup_tells_whether_the_changed_file_would_be_accepted_and_changes_nothing(world: World) -> None:
    config = world.folder / "config.toml"
    good = config.read_text()
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        config.write_text(good.replace('interval = "1s"', 'interval = "soon"', 1))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.await_log("would be refused now")
        config.write_text(good)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.await_log("would be accepted now")
        world.simulator.create(suffix="one", durations=(0, 0, 0))
        servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 2)
        assert daemon.stop() == 0
    [refusal] = [json.loads(line) for line in daemon.log.splitlines() if "would be refused" in line]
    assert refusal["level"] == "error"
    assert "poll.interval: is not a duration" in refusal["message"]


def test_a_machine_that_slept_looks_once_and_not_for_every_pass_it_missed(world: World) -> None:
    """Stopped and continued, the process sees time jump as it does when the lid was closed."""
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        daemon.process.send_signal(signal.SIGSTOP)
        world.simulator.create(suffix="one", durations=(0, 0, 0))
        with pytest.raises(subprocess.TimeoutExpired):
            daemon.process.wait(8)
        slept = len(world.simulator.requests)
        daemon.process.send_signal(signal.SIGCONT)
        servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 2)
        looks = [path for _, path in list(world.simulator.requests)[slept:] if path.endswith("/jobs")]
        assert daemon.stop() == 0
    assert 1 <= len(looks) <= 4
