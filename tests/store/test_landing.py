"""What is made for somebody appears whole or not at all, and two never spoil each other's."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent import futures
from pathlib import Path

import pytest

from service import errors
from service.store import landing

# A process that is killed when it has written half.
DIES = """
import os, signal, sys
from pathlib import Path
from service.store import landing
with landing.place(Path(sys.argv[1])) as made:
    if sys.argv[2] == "folder":
        made.mkdir()
    (made / "one" if sys.argv[2] == "folder" else made).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
Make = Callable[[Path, str], None]


def _file(made: Path, text: str) -> None:
    made.write_text(text)


def _folder(made: Path, text: str) -> None:
    made.mkdir()
    (made / "one").write_text(text)


@pytest.fixture(params=[_file, _folder], ids=["file", "folder"])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def _text(path: Path) -> str:
    return (path / "one" if path.is_dir() else path).read_text()


def _only(target: Path) -> bool:
    return list(target.parent.iterdir()) == [target]


def test_it_has_its_name_when_it_is_whole(target: Path, make: Make) -> None:
    with landing.place(target) as made:
        make(made, "whole")
        assert not target.exists()
    assert _text(target) == "whole"
    assert _only(target)


def test_broken_off_it_leaves_nothing(target: Path, make: Make) -> None:
    def break_off() -> None:
        with landing.place(target) as made:
            make(made, "half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert list(target.parent.iterdir()) == []


def test_a_second_one_is_refused_and_the_first_one_is_whole(target: Path, make: Make) -> None:
    with landing.place(target) as made:
        # Before anything is written as well as afterwards.
        for text in ("", "whole"):
            if text:
                make(made, text)
            with pytest.raises(errors.StoreTrouble, match=r"target\.part is being written just now"):
                landing.place(target).__enter__()
    assert _text(target) == "whole"
    assert _only(target)


def test_of_many_at_once_each_is_whole_or_refused(target: Path, make: Make) -> None:
    """Also one that opened the lock of another which then had its name and left."""

    def work(letter: str) -> list[str]:
        mine = []
        for _ in range(40):
            with contextlib.suppress(errors.DatabaseRefused, errors.StoreTrouble):
                with landing.place(target) as made:
                    make(made, letter * 9)
                mine.append(_text(target))
                target.rename(target.with_name(f"{letter} {len(mine)}"))
        return mine

    with futures.ThreadPoolExecutor(8) as pool:
        done = dict(zip("abcdefgh", pool.map(work, "abcdefgh"), strict=True))
    assert all(set(mine) <= {letter * 9} for letter, mine in done.items())
    assert sum(map(len, done.values())) == len(list(target.parent.iterdir())) > 0


def _die(target: Path, kind: str) -> None:
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", DIES, target, kind], env={**os.environ, "PYTHONPATH": root}, check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_one_left_is_replaced(target: Path, make: Make, kind: str) -> None:
    _die(target, kind)
    assert [path.name for path in target.parent.iterdir()] == ["target.part"]
    with landing.place(target) as made:
        make(made, "whole")
    assert _text(target) == "whole"
    assert _only(target)


def test_one_killed_at_its_very_beginning_or_end_hinders_nobody(target: Path) -> None:
    target.with_name("target.part").mkdir()
    with landing.place(target) as made:
        _file(made, "whole")
    assert _only(target)


@pytest.mark.parametrize("make_it", [_file, _folder])
def test_what_has_the_name_by_chance_is_left_alone(target: Path, make_it: Make) -> None:
    """Such as a download."""
    part = target.with_name("target.part")
    make_it(part, "somebody else's")
    with pytest.raises(errors.DatabaseRefused, match=r"target\.part is there.*left alone\. Move it away"):
        landing.place(target).__enter__()
    assert _text(part) == "somebody else's"


def test_nothing_is_overwritten(target: Path, make: Make) -> None:
    target.write_text("precious")
    with pytest.raises(errors.DatabaseRefused, match="is there already"):
        landing.place(target).__enter__()
    target.unlink()

    def appear() -> None:
        with landing.place(target) as made:
            make(made, "whole")
            target.write_text("precious")

    with pytest.raises(errors.DatabaseRefused, match="is there already"):
        appear()
    assert target.read_text() == "precious"
    assert _only(target)


def test_a_folder_that_is_missing_is_named_with_what_to_do(target: Path) -> None:
    with pytest.raises(errors.DatabaseRefused, match=rf"There is no folder {target}/no\. Make it, or name another"):
        landing.place(target / "no" / "where").__enter__()
