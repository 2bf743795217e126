"""Calls that may hang for ever, given up after a while.

Time limits of network libraries hold for each read: a server that sends a byte now and then is never late by
them. So such a call gets a thread of its own, which is left behind when the time is up. A thread left behind
does not keep the program from ending.
"""

import threading
from collections.abc import Callable
from typing import Any

from service import errors


class Lane:
    """One call at a time; while a call that was given up still hangs, no other is begun."""

    def __init__(self) -> None:
        self._left_behind: _Call | None = None
        self._now: _Call | None = None

    def run(self, work: Callable[[], Any], seconds: float, key: str | None = None) -> Any:
        """What `work` returns or raises. Raises errors.Transient when it takes longer than `seconds`.

        Of a call that was given up and came to an end after all, the result is handed to the next call with the
        same `key`, which is not made then: what was accepted late is not sent twice.
        """
        before, self._left_behind = self._left_behind, None
        if before and not before.ended:
            self._left_behind = before
            raise errors.Transient(_late(seconds))
        if before and before.key is not None and before.key == key and before.error is None:
            return before.result
        self._now = call = _Call(work, key)
        call.start()
        call.waiting.wait(seconds)
        self._now = None
        if not call.ended:
            self._left_behind = call
            raise errors.Transient(_late(seconds))
        if call.error:
            raise call.error
        return call.result

    def leave(self) -> None:
        """Whoever waits for a call gives it up now."""
        if call := self._now:
            call.waiting.set()


def _late(seconds: float) -> str:
    # The same for the call and for those that find it still hanging: it is one trouble, to be logged once.
    return f"no answer within {seconds:.0f} s"


class _Call(threading.Thread):
    def __init__(self, work: Callable[[], Any], key: str | None) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.key = key
        self.result: Any = None
        self.error: BaseException | None = None
        self.ended = False
        self.waiting = threading.Event()

    def run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the call was made
            self.error = error
        self.ended = True
        self.waiting.set()
