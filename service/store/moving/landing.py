"""New files and folders that appear under their names when they are whole, or not at all."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from service import errors


@contextlib.contextmanager
def place(target: Path) -> Iterator[Path]:
    """The path at which to make what becomes `target` at the end of the block; removed when the block is broken off.

    Nothing is overwritten. Raises errors.Permanent when there is something already, and for what the disk refuses.
    """
    part = Path(f"{target}.part")
    with _explained(target):
        _refuse_taken(target)
        if os.path.lexists(part):
            raise errors.Permanent(
                f"{part} is there: another export is at work, or one was killed. Remove it if none is at work."
            )
        ours = True
        try:
            yield part
            _refuse_taken(target)
            part.rename(target)
        except FileExistsError:
            # Of another export, begun in the same moment.
            ours = False
            raise errors.Permanent(f"{part} is there: another export is at work. Name another place.") from None
        finally:
            if ours:
                _remove(part)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, on the disk when the block is left. Raises errors.Permanent for what the disk refuses."""
    with _explained(path), path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _refuse_taken(target: Path) -> None:
    if os.path.lexists(target):
        raise errors.Permanent(f"{target} is there already, and nothing is overwritten. Name another place.")


def _remove(part: Path) -> None:
    with contextlib.suppress(OSError):
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise errors.Permanent(f"{target} cannot be written: {error.strerror or error}.") from error
