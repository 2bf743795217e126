"""Taking the history out: everything, of one moment, whole or not at all."""

import csv
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from service import errors
from service.store import engine as engines
from service.store import landing, migrate, views
from service.store.moving import dump, formats
from tests.cli.conftest import Ask
from tests.conftest import KEY, Bench
from tests.e2e import servers

Program = Callable[..., "subprocess.CompletedProcess[str]"]
NAMES = [view.name for view in views.ALL]


@pytest.fixture
def lived(bench: Bench) -> Bench:
    """A history with something in every view."""
    bench.poll()
    bench.simulator.create(suffix="=cmd()", durations=(60, 60, 600), metadata={"team": "ü"})
    bench.simulator.create(ending="failed", reason="exceeded_quota", durations=(60, 60, 0))
    for _ in range(15):
        bench.clock.move(minutes=1)
        bench.poll()
    return bench


def _rows(url: str) -> dict[str, list[dict[str, Any]]]:
    engine = migrate.reading(url)
    with dump.opened(engine) as history:
        return {view.name: [row for rows in history.portions(view) for row in rows] for view in views.ALL}


@pytest.mark.usefixtures("lived")
def test_jsonl_has_every_column_of_every_view(ask: Ask, url: str, tmp_path: Path) -> None:
    result = ask("export", "--format", "jsonl", str(tmp_path / "all.jsonl"))
    assert result.exit_code == 0
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert result.stdout == f"{tmp_path}/all.jsonl: {len(lines)} rows of 6 views\n"
    found = _rows(url)
    assert all(found.values())
    assert lines == [{"view": view, **row} for view, rows in found.items() for row in rows]
    [job] = [line for line in lines if line.get("suffix") == "=cmd()" and line["view"] == "job_summary"]
    assert job["metadata"] == {"team": "ü"}
    assert job["raw"]["object"] == "fine_tuning.job"


@pytest.mark.usefixtures("lived")
def test_csv_is_a_folder_that_spreadsheets_can_open(ask: Ask, url: str, tmp_path: Path) -> None:
    assert ask("export", "--format", "csv", str(tmp_path / "sheets")).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "sheets").iterdir()) == sorted(f"{name}.csv" for name in NAMES)
    for view, rows in _rows(url).items():
        with (tmp_path / "sheets" / f"{view}.csv").open(newline="") as file:
            sheet = list(csv.DictReader(file))
        assert len(sheet) == len(rows)
        assert list(sheet[0]) == list(rows[0])
    with (tmp_path / "sheets" / "job_summary.csv").open(newline="") as file:
        job = next(csv.DictReader(file))
    assert job["suffix"] == "'=cmd()", "no formula"
    assert json.loads(job["metadata"]) == {"team": "ü"}


@pytest.mark.usefixtures("lived")
def test_parquet_has_typed_columns(ask: Ask, url: str, tmp_path: Path) -> None:
    assert ask("export", "--format", "parquet", str(tmp_path / "columns")).exit_code == 0
    for view, rows in _rows(url).items():
        table = parquet.read_table(tmp_path / "columns" / f"{view}.parquet")
        json_columns = {"hyperparameters", "metadata", "result_files", "raw", "data"} & rows[0].keys()
        for row, found in zip(rows, table.to_pylist(), strict=True):
            assert found | {name: json.loads(found[name] or "null") for name in json_columns} == row
    types = {field.name: str(field.type) for field in parquet.read_schema(tmp_path / "columns/job_summary.parquet")}
    assert {types[name] for name in ("job_id", "created_at", "raw")} == {"string"}
    assert (types["trained_tokens"], types["train_loss"]) == ("int64", "double")


def test_parquet_is_written_in_groups_of_rows(ask: Ask, lived: Bench, tmp_path: Path, engine: engines.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 13000) "
            "INSERT INTO metric (job_pk, step, train_loss) SELECT (SELECT min(id) FROM job), i, 0.5 FROM n"
        )
    target = tmp_path / "metrics.parquet"
    assert ask("export", "--format", "parquet", "--view", "job_metrics", str(target)).exit_code == 0
    file = parquet.ParquetFile(target)
    assert file.metadata.num_row_groups == 3
    assert file.metadata.num_rows > 12_000


@pytest.mark.usefixtures("lived")
def test_sqlite_is_a_database_that_tunewatch_opens_again(program: Program, ask: Ask, tmp_path: Path, url: str) -> None:
    copy = tmp_path / "copy.db"
    assert ask("export", "--format", "sqlite", str(copy)).exit_code == 0
    assert _rows(f"sqlite:///{copy}") == _rows(url)
    result = program("jobs", "--json", DATABASE_URL=f"sqlite:///{copy}", TUNEWATCH_CONFIG=str(_minimal(tmp_path)))
    assert len(json.loads(result.stdout)) == 2


def _minimal(folder: Path) -> Path:
    path = folder / "minimal.toml"
    path.write_text('[database]\nurl = "${DATABASE_URL}"\n')
    return path


@pytest.mark.usefixtures("lived")
def test_one_view_is_one_file_or_standard_output(ask: Ask, tmp_path: Path) -> None:
    assert ask("export", "--format", "csv", "--view", "job_metrics", str(tmp_path / "metrics.csv")).exit_code == 0
    printed = ask("export", "--format", "csv", "--view", "job_metrics", "-")
    assert (tmp_path / "metrics.csv").read_bytes() == printed.stdout_bytes
    lines = ask("export", "--format", "jsonl", "--view", "job_history", "--view", "notice_log", "-").stdout.splitlines()
    assert {json.loads(line)["view"] for line in lines} == {"job_history", "notice_log"}


def test_only_one_account(ask: Ask, lived: Bench, engine: engines.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO account (name, active) VALUES ('empty', 0)")
    everything = ask("export", "--format", "jsonl", "-").stdout
    assert ask("export", "--format", "jsonl", "--account", "main", "-").stdout == everything
    assert ask("export", "--format", "jsonl", "--account", "empty", "-").stdout == ""
    with pytest.raises(errors.NotFound, match="No account 'mian' is recorded"):
        ask("export", "--format", "jsonl", "--account", "mian", "-")


@pytest.mark.parametrize(
    "words",
    [
        ("--format", "csv", "-"),
        ("--format", "parquet", "-", "--view", "job_summary", "--view", "job_events"),
        ("--format", "sqlite", "x.db", "--view", "job_summary"),
        ("--format", "sqlite", "x.db", "--account", "main"),
        ("--format", "sqlite", "-"),
        ("--format", "sqlite", "backups/"),
        ("--format", "csv", "--view", "job_summary", "folder/"),
        ("--format", "xml", "x"),
        ("x.jsonl",),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(ask: Ask, bench: Bench, words: tuple[str, ...]) -> None:
    assert ask("export", *words).exit_code == 2


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "sqlite"])
def test_nothing_is_overwritten(ask: Ask, tmp_path: Path, form: str) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    with pytest.raises(errors.TunewatchError, match="is there already"):
        ask("export", "--format", form, str(target))
    assert target.read_text() == "precious"


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "sqlite"])
def test_two_exports_to_one_name_do_not_spoil_each_other(ask: Ask, tmp_path: Path, form: str) -> None:
    """The second one says so; the first one's work, of whatever form, is what stays."""
    target = tmp_path / "target"
    with landing.place(target) as made:
        made.write_text("the first")
        with pytest.raises(errors.StoreTrouble, match="is being written just now"):
            ask("export", "--format", form, str(target))
    assert target.read_text() == "the first"
    assert not target.with_name("target.part").exists()


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "sqlite"])
def test_a_folder_that_is_not_there_is_named(ask: Ask, tmp_path: Path, form: str) -> None:
    said = re.escape(f"There is no folder {tmp_path}/nowhere. Make it, or name another place.")
    with pytest.raises(errors.TunewatchError, match=said):
        ask("export", "--format", form, str(tmp_path / "nowhere" / "target"))


def test_it_is_of_one_moment(lived: Bench, url: str, engine: engines.Engine) -> None:
    reading = migrate.reading(url)
    with dump.opened(reading) as history:
        before = history.count(views.METRICS)
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM metric")
        assert sum(len(rows) for rows in history.portions(views.METRICS)) == before > 0


class TestAsAProcess:
    @pytest.fixture
    def config(self, bench: Bench, url: str, tmp_path: Path) -> Path:
        bench.simulator.populate(KEY, 300)
        bench.poll()
        path = tmp_path / "here.toml"
        path.write_text(f'[database]\nurl = "{url}"\n')
        return path

    def test_a_reader_that_has_enough_ends_it_quietly(self, config: Path, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "service", "export", "--format", "jsonl", "-", "--config", str(config)]
        with subprocess.Popen(
            command, cwd=tmp_path, env=servers.environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout
            assert process.stderr
            assert process.stdout.readline().startswith(b'{"view"')
            process.stdout.close()
            assert process.stderr.read() == b""

    def test_standard_output_without_room_is_said(self, config: Path, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "service", "export", "--format", "jsonl", "-", "--config", str(config)]
        with Path("/dev/full").open("wb") as full:
            result = subprocess.run(
                command, cwd=tmp_path, env=servers.environment({}), stdout=full, stderr=subprocess.PIPE, text=True,
                timeout=servers.TIMEOUT, check=False,
            )  # fmt: skip
        assert result.stderr == "Standard output cannot be written: No space left on device.\n"
        assert result.returncode == 1

    @pytest.mark.parametrize("form", ["jsonl", "csv", "sqlite"])
    def test_a_disk_without_room_is_said_and_nothing_stays(
        self, config: Path, tmp_path: Path, program: Program, form: str
    ) -> None:
        words = ["tunewatch", "export", "--format", form, "target", "--config", str(config)]
        before = set(tmp_path.iterdir())
        result = program(
            python=f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
sys.argv = {words}
from service import cli
cli.main()
"""
        )
        assert result.returncode == 1
        assert re.search(r"\btarget\b.* cannot be (read or )?written", result.stderr)
        assert "Traceback" not in result.stderr
        assert {path for path in tmp_path.iterdir() if not re.search("-(wal|shm)$", path.name)} <= before

    def test_without_pyarrow_the_line_to_run_is_said(self, config: Path, tmp_path: Path, program: Program) -> None:
        words = ["tunewatch", "export", "--format", "parquet", "target", "--config", str(config)]
        result = program(
            python=f"""
import sys
sys.modules["pyarrow"] = None
sys.argv = {words}
from service import cli
cli.main()
"""
        )
        assert result.returncode == 1
        assert result.stderr.endswith(f"Install it, then try again: pip install '{formats.PYARROW}'\n")
        assert not (tmp_path / "target").exists()


def test_the_pyarrow_that_is_asked_for_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["parquet"] == [formats.PYARROW]


def test_a_history_without_jobs_is_exported_as_well(ask: Ask, bench: Bench, tmp_path: Path) -> None:
    for form in ("jsonl", "csv", "parquet", "sqlite"):
        assert ask("export", "--format", form, str(tmp_path / form)).exit_code == 0
    assert (tmp_path / "jsonl").read_text() == ""
    assert parquet.read_table(tmp_path / "parquet" / "job_summary.parquet").num_rows == 0
