"""What keeps a backup from being made is said, and keeps nothing else from being done."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import machine
from tests.faults import store_faults as faults
from tests.faults.machine import World
from tests.store import old

pytestmark = pytest.mark.e2e


def _with_backups(world: World) -> Path:
    """A configuration that asks for them."""
    config = world.folder / "config.toml"
    config.write_text(config.read_text().replace('url = "${DB}"', 'url = "${DB}"\nbackup = "attic"'))
    return world.folder / "attic"


def _fill(attic: Path) -> None:
    (attic / "full").write_bytes(bytes(900_000))


def test_without_a_place_for_it_the_watch_goes_on(world: World) -> None:
    _with_backups(world)
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        machine.until(lambda: faults.BACKUP_NO_FOLDER.logged in daemon.log)
        world.simulator.create(suffix="one", durations=(0, 0, 0))
        assert world.told(2) == ["chat ✅ one has succeeded", "e-mail ✅ one has succeeded"]
        checks = json.loads(world.run("health", "--json").stdout)["checks"]
        assert daemon.stop() == 0
    [line] = daemon.said(faults.BACKUP_NO_FOLDER.logged)
    assert "There is no folder" in line
    [found] = [check for check in checks if check["part"] == "backup"]
    assert "There is no folder" in found["problem"]


@pytest.mark.parametrize(("befall", "said"), [(_fill, "There is no room in"), (None, "Read-only file system")])
def test_a_disk_that_does_not_take_it_is_named(world: World, befall: Callable[[Path], None] | None, said: str) -> None:
    attic = _with_backups(world)
    attic.mkdir()
    with machine.disk(attic, "1m") as disk:
        if befall:
            befall(attic)
        else:
            disk.remount("ro")
        done = world.run("poll")
        assert done.returncode == 0
        assert f"{faults.BACKUP_NO_FOLDER.logged}{'' if befall else attic}" in done.stderr
        assert said in done.stderr
        assert list(attic.glob("tunewatch-*")) == []


def test_a_folder_that_may_not_be_written_to_is_named(world: World) -> None:
    machine.needs_permissions()
    world.make()
    attic = world.folder / "attic"
    attic.mkdir(0o555)
    done = world.run("db", "backup", str(attic), confined=True)
    assert done.returncode == 1
    assert ".db.part cannot be written (Permission denied)" in done.stderr
    attic.chmod(0)
    done = world.run("db", "backup", str(attic / "copy.db"), confined=True)
    assert done.returncode == 1
    assert "cannot be written (Permission denied)" in done.stderr
    attic.chmod(0o755)
    assert list(attic.iterdir()) == []


def test_a_poll_makes_one_and_says_nothing(world: World) -> None:
    attic = _with_backups(world)
    attic.mkdir()
    assert world.run("poll").stderr == ""
    assert len(list(attic.glob("tunewatch-*Z.db"))) == 1
    assert world.run("poll").returncode == 0
    assert len(list(attic.iterdir())) == 1, "the next one is due tomorrow"


def test_without_room_for_a_copy_a_start_is_refused_and_nothing_is_changed(world: World) -> None:
    with machine.disk(world.database.parent, "4m") as disk:
        old.make(f"sqlite:///{world.database}", old.REVISIONS[-1])
        world.lock.touch()
        before = world.database.read_bytes()
        disk.fill()
        ballast = world.database.parent / "ballast"
        with ballast.open("r+b") as file:
            file.truncate(ballast.stat().st_size - 80 * 1024)
        done = world.run("run")
        assert done.returncode == 1
        assert faults.COPY_FULL.logged in done.stderr
        assert " MB are free" in done.stderr
        assert world.database.read_bytes() == before
