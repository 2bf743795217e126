"""What becomes of groups and digests in the daemon, and in a pass for those who have their own scheduler."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service import wiring
from service.config import schema
from service.daemon import once
from service.simulator import Simulator
from tests.daemon.test_daemon import PATIENCE, Running, ShiftedClock
from tests.faults import machine, receivers


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def hook() -> Iterator[receivers.Receiver]:
    with receivers.webhook() as receiver:
        yield receiver


def settings(folder: Path, simulator: Simulator, hook: receivers.Receiver, **rules: Any) -> schema.Settings:
    return schema.Settings.model_validate({
        "poll": {"interval": "1s", "idle_interval": "1s"},
        "database": {"url": f"sqlite:///{folder}/watch.db"},
        "accounts": [{"name": "main", "api_key": "sim-key", "base_url": simulator.url}],
        "channels": [{"name": "ops", "url": hook.hook(), **rules}],
    })  # fmt: skip


def test_a_pass_of_its_own_waits_for_no_company_and_tells_all_together(
    tmp_path: Path, simulator: Simulator, hook: receivers.Receiver
) -> None:
    """Who looks every hour must not be told an hour late."""
    with wiring.opened(settings(tmp_path, simulator, hook), daemon=False) as app:
        once.run(app, full=False)
        for name in ("one", "two"):
            simulator.create(suffix=name, durations=(0, 0, 0))
        result = once.run(app, full=False)
    assert [report.sent for _, report in result.deliveries] == [2]
    assert [title for _, title in hook.taken] == ["✅ 2 succeeded"]


def test_a_pass_of_its_own_sends_the_digest_of_what_it_saw(
    tmp_path: Path, simulator: Simulator, hook: receivers.Receiver
) -> None:
    time = ShiftedClock()
    with wiring.opened(settings(tmp_path, simulator, hook, digest="daily 09:00"), daemon=False, time=time) as app:
        once.run(app, full=False)
        simulator.create(suffix="one", durations=(0, 0, 0))
        once.run(app, full=False)
        assert hook.taken == [], "a digest tells of what ended by itself"
        time.shift = timedelta(days=1)
        for _ in range(2):
            once.run(app, full=False)
    assert len(hook.taken) == 1
    assert hook.taken[0][1].startswith("📋 1 ended")


def test_the_daemon_brings_the_digest_when_it_is_due(
    tmp_path: Path, simulator: Simulator, hook: receivers.Receiver
) -> None:
    time = ShiftedClock()
    config = settings(tmp_path, simulator, hook, digest="daily 09:00")
    with wiring.opened(config, daemon=True, time=time) as app, Running(app) as running:
        assert running.passes.get(timeout=PATIENCE).baseline
        simulator.create(suffix="one", durations=(0, 0, 0))
        machine.until(lambda: running.passes.get(timeout=PATIENCE).changes == 1)
        time.shift = timedelta(days=1)
        machine.until(lambda: hook.taken)
    assert hook.taken[0][1].startswith("📋 1 ended")
