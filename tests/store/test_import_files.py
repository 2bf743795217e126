"""Which files can be imported, and what becomes of them: nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service import errors
from service.store import identity, migrate
from service.store.moving import incoming
from tests.conftest import KEY, Bench
from tests.store import hosts, old

# An import that is killed after its first step.
DIES = """
import os, signal, sys
from pathlib import Path
from service.store.moving import incoming
incoming.take(sys.argv[1], Path(sys.argv[2]), lambda _: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.mark.parametrize("revision", old.REVISIONS)
def test_an_older_version_s_is_brought_up_to_date_in_a_copy(tmp_path: Path, new: Path, revision: str) -> None:
    # A name that a careless copy could take for its own.
    theirs = old.make(f"sqlite:///{new}.import", revision)
    before = theirs.read_bytes()
    counts = hosts.take(f"sqlite:///{new}", theirs)
    assert (counts["jobs"], counts["waiting"]) == (1, 1)
    assert theirs.read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_an_older_version_s_is_copied_once(tmp_path: Path, new: Path) -> None:
    """The copy is thrown away: nobody needs one of how it was."""
    theirs = old.make(f"sqlite:///{tmp_path}/theirs.db", old.REVISIONS[0])
    found: set[str] = set()
    migrate.upgrade(f"sqlite:///{new}")
    incoming.take(
        f"sqlite:///{new}", theirs, lambda _: found.update(path.name for path in tmp_path.rglob("*.import.part/*/*"))
    )
    assert {name for name in found if not name.endswith(("-wal", "-shm"))} == {"copy.db"}


@pytest.mark.parametrize("revision", [old.REVISIONS[0], identity.REVISION])
def test_what_a_killed_import_left_goes_with_the_next_one(tmp_path: Path, new: Path, revision: str) -> None:
    migrate.upgrade(f"sqlite:///{new}")
    theirs = old.make(f"sqlite:///{tmp_path}/theirs.db", old.REVISIONS[0])
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", DIES, f"sqlite:///{new}", theirs], env={**os.environ, "PYTHONPATH": root}, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [Path(f"{new}.import.part")]
    if revision == identity.REVISION:
        migrate.upgrade(f"sqlite:///{theirs}")
    assert hosts.take(f"sqlite:///{new}", theirs)["jobs"] == 1
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_one_that_is_in_use_is_read_as_it_is(bench: Bench, other: hosts.Host, new: Path) -> None:
    other.poll()
    bench.simulator.create()
    bench.clock.move(minutes=1)
    other.poll()
    with other.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM metric")
        assert hosts.take(f"sqlite:///{new}", other.path)["jobs"] == 1


def test_an_import_that_is_broken_off_leaves_everything_as_it_was(bench: Bench, other: hosts.Host, ours: Path) -> None:
    bench.poll()
    hosts.busy(bench)
    hosts.live(bench, other, minutes=20)
    before = hosts.tables(ours)

    def interrupt(_count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        incoming.take(f"sqlite:///{ours}", other.path, interrupt)
    assert hosts.tables(ours) == before


def test_rows_without_their_parents_are_taken_back(bench: Bench, other: hosts.Host, ours: Path) -> None:
    bench.poll()
    other.poll()
    hosts.change(ours, "INSERT INTO metric (job_pk, step) VALUES (99, 1)")
    before = hosts.tables(ours)
    with pytest.raises(errors.StoreTrouble, match="taken back"):
        hosts.take(f"sqlite:///{ours}", other.path)
    assert hosts.tables(ours) == before


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("DELETE FROM account", "2 rows of job without account"),
        ("UPDATE job SET account_pk = 77 WHERE id = 1", "1 row of job without account"),
        ("UPDATE job SET suffix = CAST(x'ff41' AS TEXT)", "Could not decode to UTF-8"),
        ("UPDATE job SET hyperparameters = '{'", "2 rows of job whose hyperparameters is no JSON"),
        ("UPDATE job SET created_at = '2026-99-01T00:00:00Z'", "2 rows of job with a created_at that cannot be"),
    ],
)
def test_rows_that_do_not_fit_are_not_imported_nor_left_out_in_silence(
    bench: Bench, other: hosts.Host, ours: Path, broken: str, said: str
) -> None:
    bench.poll()
    for _ in range(2):
        bench.simulator.create()
    other.poll()
    hosts.change(other.path, broken)
    before = hosts.tables(ours)
    with pytest.raises(errors.DatabaseRefused, match=f"is damaged .*{said}.*so nothing was imported"):
        hosts.take(f"sqlite:///{ours}", other.path)
    assert hosts.tables(ours) == before


@pytest.mark.usefixtures("engine")
def test_the_database_itself_is_refused_under_any_name(ours: Path, new: Path) -> None:
    os.link(ours, new)
    for file in (ours, new):
        with pytest.raises(errors.DatabaseRefused, match="is the configured database itself"):
            incoming.check(f"sqlite:///{ours}", file)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("PRAGMA application_id = 7", "belongs to another program"),
        ("UPDATE alembic_version SET version_num = '9999'", "written by a newer tunewatch.*or name another file"),
        ("DELETE FROM alembic_version", "holds no history"),
    ],
)
def test_what_is_not_ours_is_refused(url: str, new: Path, statement: str, words: str) -> None:
    migrate.upgrade(f"sqlite:///{new}")
    hosts.change(new, statement)
    with pytest.raises(errors.DatabaseRefused, match=words):
        incoming.check(url, new)


def test_what_is_no_database_is_refused(url: str, tmp_path: Path) -> None:
    file = tmp_path / "text"
    with pytest.raises(errors.DatabaseRefused, match="There is no file"):
        incoming.check(url, file)
    file.touch()
    with pytest.raises(errors.DatabaseRefused, match="holds no history"):
        incoming.check(url, file)
    file.write_text("a shopping list\n" * 999)
    with pytest.raises(errors.DatabaseRefused, match="is no database"):
        incoming.check(url, file)
    with pytest.raises(errors.DatabaseRefused, match=r"is a folder\. Name the database file in it\."):
        incoming.check(url, tmp_path)


def test_what_is_damaged_is_refused(bench: Bench, other: hosts.Host, url: str) -> None:
    bench.simulator.populate(KEY, 300)
    other.poll()
    other.engine.dispose()
    content = bytearray(other.path.read_bytes())
    content[len(content) // 2 :] = b"\x55" * (len(content) - len(content) // 2)
    other.path.write_bytes(content)
    with pytest.raises(errors.DatabaseRefused, match=r"is damaged.*nothing was imported"):
        incoming.check(url, other.path)
