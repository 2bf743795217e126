"""A tunewatch that kills itself at a named point; the product has no hook for it.

    python -m tests.torture.victim Queue.sent after 2 -- run --log-format json

dies right after the second transaction of Queue.sent was committed. SQLAlchemy tells of every statement, every commit
and every connection that is handed back; which function of the store is at it is seen on the stack.
"""

import os
import signal
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from service import cli

_STORE = "service.store."


class Trap:
    """Kills the process at the n-th time that `place` reaches `moment`.

    `place`: "Queue.sent", "process.started", or a module of the store. `moment`: "statement" is before one of its
    statements, "before" is before a commit, with all of its statements made, "after" is after the commit.
    """

    def __init__(self, place: str, moment: str, count: int) -> None:
        self._place, self._moment = place, moment
        self._left = count
        self._lock = threading.Lock()
        # Several threads have transactions under way at once.
        self._own = threading.local()

    def set(self) -> None:
        if self._moment == "statement":
            sa.event.listen(sa.Engine, "before_cursor_execute", self._reached)
        elif self._moment == "before":
            sa.event.listen(sa.Engine, "commit", self._reached)
        else:
            # The event comes before the commit. After it, the connection is handed back.
            sa.event.listen(sa.Engine, "commit", self._note)
            sa.event.listen(sa.pool.Pool, "checkin", self._handed_back)

    def _reached(self, *_: Any) -> None:
        if self._place in _whereabouts():
            self._count()

    def _note(self, *_: Any) -> None:
        self._own.committed = self._place in _whereabouts()

    def _handed_back(self, *_: Any) -> None:
        if getattr(self._own, "committed", False):
            self._own.committed = False
            self._count()

    def _count(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _whereabouts() -> set[str]:
    """The functions of the store that are under way in this thread, and their modules."""
    return {name for module, function in _frames() for name in (module, function, f"{module}.{function}")}


def _frames() -> Iterator[tuple[str, str]]:
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if module.startswith(_STORE):
            yield module.removeprefix(_STORE), frame.f_code.co_qualname
        frame = frame.f_back


def main() -> None:
    place, moment, count, _, *words = sys.argv[1:]
    sys.argv = ["tunewatch", *words]
    Trap(place, moment, int(count)).set()
    cli.main()


if __name__ == "__main__":
    main()
