"""The documentation says what is there, and what it shows runs."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from service import cli, model
from service.cli import common
from service.config import load, schema
from service.rules import stats
from service.store import asking
from service.store import engine as engines
from tests import builders, conftest
from tests.conftest import Bench
from tests.e2e import servers

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DATABASE = (ROOT / "docs" / "reading-the-database.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", DATABASE, re.DOTALL)


def _commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


@pytest.mark.parametrize(("name", "command"), list(_commands(cli.root, "tunewatch")))
def test_every_command_stands_in_the_readme(name: str, command: click.Command) -> None:
    [row] = [line for line in README.splitlines() if re.match(rf"\| `{name}( [A-Z]+)?` \|", line)]
    for option in command.params:
        known = {"config", "as_json", "form", "log_format", "log_level", "host", "port", "speed", "keys", "seed"}
        if isinstance(option, click.Option) and option.name not in known and name not in ("tunewatch events",):
            assert option.opts[0] in row + README, option.opts


def test_every_field_that_is_no_column_is_described() -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    for name in (*stats.KEYS, *stats.FIELDS, "cost", "last_metrics", "differs", "values"):
        assert f"`{name}`" in text


def test_every_setting_stands_in_the_readme() -> None:
    tables: dict[str, type[schema.Section]] = {
        "[poll]": schema.Poll, "[database]": schema.Database, "[notices]": schema.Notices,
        "[[accounts]]": schema.Account, "[[channels]]": schema.Channel, "[prices.PATTERN]": schema.Price,
    }  # fmt: skip
    rows = set(re.findall(r"^\| `(\[.*?\] \w+)` \|", README, re.MULTILINE))
    assert rows == {f"{table} {name}" for table, section in tables.items() for name in section.model_fields}


def test_the_defaults_of_the_shipped_file_are_the_defaults() -> None:
    environ = {"OPENAI_API_KEY": "k", "NOTIFY_URL": "json://localhost"}
    settings = load.load(
        str(ROOT / "config.toml"), url_fault=lambda _: None, database_fault=lambda _: None, environ=environ
    )
    assert (settings.poll, settings.database, settings.notices) == (schema.Poll(), schema.Database(), schema.Notices())


def test_the_exit_codes_stand_in_the_readme_and_in_the_help() -> None:
    for code in (common.FAILED, common.UNAVAILABLE, common.BUSY, common.MISCONFIGURED):
        assert re.search(rf"· {code} ", " ".join(README.split()))
        assert f"{code} " in (cli.root.help or "")


def test_every_column_of_every_view_is_described(engine: engines.Engine) -> None:
    described = {
        view: set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.*?) \|", body, re.MULTILINE))))
        for view, body in re.findall(r"^## (\w+): [^\n]*\n(.*?)(?=^## )", DATABASE, re.DOTALL | re.MULTILINE)
    }
    with engine.connect() as connection:
        views = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'view'").scalars().all()
        for view in views:
            columns = set(connection.exec_driver_sql(f"SELECT * FROM {view}").keys())
            assert described[view] == columns


@pytest.mark.parametrize("query", QUERIES, ids=re.findall("^### (.*)", DATABASE, re.MULTILINE))
def test_every_query_shown_runs_and_finds_something(bench: Bench, url: str, query: str) -> None:
    done = _eventful(bench)
    with asking.answer(url, query.replace("ftjob-…", done)) as answer:
        assert list(answer.rows)


def test_the_python_shown_reads_the_database(bench: Bench, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.simulator.create()
    bench.poll()
    [code] = re.findall(r"```python\n(.*?)```", DATABASE, re.DOTALL)
    monkeypatch.chdir(Path(url.removeprefix("sqlite:///")).parent)
    found: dict[str, Any] = {}
    exec(code, found)
    assert len(found["rows"]) == 1


def _eventful(bench: Bench) -> str:
    """Two hours in which all happened that the queries ask for, up to now; a job that succeeded."""
    # What counts back from now is to find something.
    bench.clock.time = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    bench.poll()
    done = bench.simulator.create(durations=(60, 60, 600), metadata={"team": "search"})
    lost = bench.simulator.create(ending="endless")
    bench.simulator.create(ending="endless")
    bench.simulator.create(ending="failed", reason="exceeded_quota", durations=(60, 60, 0))
    for minutes in (3, 17, 40):
        bench.clock.move(minutes=minutes)
        bench.poll()
    bench.simulator.remove(conftest.KEY, lost)
    name = bench.reading.job(done)["fine_tuned_model"]
    bench.simulator.shut_down(name, (bench.clock.now() + timedelta(days=5)).date().isoformat())
    kinds = builders.USUAL | {model.Kind.MODEL_SHUTDOWN}
    watcher = bench.make_watcher(conftest.destination("mail", kinds=kinds))
    for _ in range(3):
        watcher.poll(bench.clock.move(minutes=5))
    bench.simulator.revoke(conftest.KEY)
    for _ in range(2):
        watcher.poll(bench.clock.move(minutes=5))
    return done


def test_the_promise_stands_in_the_readme_in_its_words() -> None:
    promise = (
        "A notice is delivered at least once to each of its destinations, and exactly once unless the process dies "
        "between the destination's acceptance and our writing it down. Never less than once."
    )
    assert promise in " ".join(README.split())


def test_every_link_to_a_file_leads_somewhere() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_care_of_the_database_goes_as_shown(tmp_path: Path, url: str, bench: Bench) -> None:
    """Every step, one after the other; those with Docker take a machine that has it."""
    bench.poll()
    page = (ROOT / "docs" / "care.md").read_text()
    steps = [block for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "docker" not in block]
    assert len(steps) >= 5
    script = "\n".join(["set -eu", f'tunewatch() {{ "{sys.executable}" -m service "$@"; }}', *steps])
    # The backup is named by the time at which it is made.
    script = script.replace("backups/tunewatch-20261125T020000Z.db", '"$(ls backups/*.db)"')
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=servers.environment({}), capture_output=True, text=True, check=False,
        timeout=servers.TIMEOUT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "FAIL" not in done.stdout
    assert (tmp_path / "aside" / "tunewatch.db").exists()
    assert re.search(r"verified\n(ok .*\n)+(ok .*\n)+0 events removed", done.stdout)


def test_the_steps_with_docker_name_what_there_is() -> None:
    page = (ROOT / "docs" / "care.md").read_text()
    words = {command.removeprefix("tunewatch ") for command, _ in _commands(cli.root, "tunewatch")}
    shown = re.findall(r"docker compose (?:exec|run --rm) tunewatch (?:tunewatch )?(db \w+)", page)
    assert shown
    assert set(shown) <= words
