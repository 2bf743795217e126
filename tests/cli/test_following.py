"""`history --follow`: what happened, and then what happens."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Bench
from tests.e2e import servers

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("form", ["--json", "--csv", None])
def test_changes_to_come_are_told_as_they_come(bench: Bench, url: str, tmp_path: Path, form: str | None) -> None:
    bench.poll()
    bench.simulator.create(suffix="before", durations=(0, 0, 0))
    bench.poll()
    words = [sys.executable, "-m", "service", "history", "--follow", *([form] if form else [])]
    with subprocess.Popen(
        words, cwd=tmp_path, env=servers.environment({"DATABASE_URL": url}), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        if form == "--csv":
            assert process.stdout.readline().startswith("account,job_id,")
        first = process.stdout.readline()
        later = bench.simulator.create(suffix="later", durations=(0, 0, 0))
        bench.poll()
        second = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(servers.TIMEOUT) == 0
    assert later not in first
    assert later in second
    if form == "--json":
        assert json.loads(second)["to_status"] == "succeeded"
    if form is None:
        assert second.endswith(f"{later} (first seen) → succeeded\n")


def test_history_since_a_time_has_all_of_it(bench: Bench, url: str, tmp_path: Path) -> None:
    bench.poll()
    for _ in range(25):
        bench.simulator.create(durations=(0, 0, 0))
    bench.poll()
    for words, count in ((["--since", "2026-11-01"], 25), ([], 20), (["--since", "2026-11-01", "--limit", "3"], 3)):
        result = servers.run("history", "--json", *words, cwd=tmp_path, env={"DATABASE_URL": url})
        assert len(json.loads(result.stdout)) == count
