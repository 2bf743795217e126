"""New files and folders that appear under their names when they are whole and on the disk, or not at all."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from service import errors

# Who holds it is at work in the folder; by its being there we know the folder for ours. Folders themselves cannot be
# locked on every network file system.
_LOCK = "tunewatch.lock"


@contextlib.contextmanager
def place(target: Path) -> Iterator[Path]:
    """The path at which to make what becomes `target` at the end of the block; broken off, it leaves nothing.

    Until then it is in a `workshop`, `target`.part. Nothing is overwritten. Raises errors.DatabaseRefused when there
    is something already or no folder, errors.StoreTrouble for what the disk refuses.
    """
    _refuse_taken(target)
    with workshop(Path(f"{target}.part")) as folder:
        made = folder / target.name
        yield made
        for each in (made, *made.rglob("*")):
            _sync(each)
        _refuse_taken(target)
        made.rename(target)
        _sync(target.parent)


@contextlib.contextmanager
def workshop(path: Path) -> Iterator[Path]:
    """An empty folder in `path`, which is ours alone until the end of the block, and then gone.

    What a process that was killed has left there goes as well; what is at work there, or not ours, is left alone.
    Raises errors.DatabaseRefused and errors.StoreTrouble as `place` does.
    """
    inside, lock = path / "new", path / _LOCK
    try:
        _make(path)
        with lock.open("ab") as file:
            _hold(file, lock)
            try:
                _clear(inside)
                inside.mkdir()
                yield inside
            finally:
                # The lock last: without it nobody would know the rest for ours.
                with contextlib.suppress(OSError):
                    _clear(inside)
                    lock.unlink()
    except OSError as error:
        raise errors.StoreTrouble(
            f"{path} cannot be written ({error.strerror or error}). Check the name, that this user may write there and "
            "that the disk has room, or name another place."
        ) from error
    finally:
        # Network file systems keep a file there until it is closed.
        with contextlib.suppress(OSError):
            path.rmdir()


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _make(path: Path) -> None:
    try:
        path.mkdir(0o700)
    except FileExistsError:
        if not path.is_dir() or (any(path.iterdir()) and not (path / _LOCK).exists()):
            raise errors.DatabaseRefused(
                f"{path} is there and was not left half made by tunewatch, so it was left alone. Move it away."
            ) from None
    except (FileNotFoundError, NotADirectoryError):
        raise errors.DatabaseRefused(
            f"There is no folder {path.parent.absolute()}. Make it, or name another place."
        ) from None


def _hold(file: BinaryIO, lock: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it a moment ago may have removed it since.
        ours = os.path.samestat(os.fstat(file.fileno()), lock.stat())
    except (BlockingIOError, FileNotFoundError):
        ours = False
    if not ours:
        raise errors.StoreTrouble(
            f"{lock.parent} is being written just now. Wait until that is done, or name another place."
        )


def _refuse_taken(target: Path) -> None:
    if os.path.lexists(target):
        raise errors.DatabaseRefused(f"{target} is there already and was left alone. Name another place.")


def _sync(path: Path) -> None:
    """Have it on the disk. Not every file system can do that with a folder, in which only the name is at stake."""
    if not path.is_dir():
        with path.open("r+b") as file:
            os.fsync(file.fileno())
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
