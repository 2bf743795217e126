"""The few kinds of error, told apart by what the caller will do about them.

The message of each is a sentence for the owner: what happened, where, and what to do. Adapters translate a
library's exceptions into these and keep the cause; nothing above an adapter imports a library's exceptions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta


class TunewatchError(Exception):
    """Anything we foresaw; its text may be shown to the owner as it stands and holds no secret."""


class Transient(TunewatchError):
    """It may work next time: try again later."""


class RateLimited(Transient):
    """The other side asked for a pause of `retry_after` (None: it did not say how long)."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(TunewatchError):
    """Trying again will not help; somebody has to change something."""


class Refused(Permanent):
    """The other side does not let us in: a key that is wrong, expired, without the scope or the quota."""


class NotFound(Permanent):
    """The provider, or the history, does not have the one thing asked for."""


class WrongStatement(Permanent):
    """SQL that somebody asked with is not understood, or would do more than read."""


class Stopped(TunewatchError):
    """We ourselves broke it off, because the program ends: no news, and nothing to write down."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One mistake in the configuration. `key` is its dotted place; `remedy` is what to write instead."""

    key: str
    problem: str
    remedy: str


class Configuration(TunewatchError):
    """The configuration is refused; `faults` holds every mistake found in the file, not only the first."""

    def __init__(self, source: str, faults: Sequence[Fault]) -> None:
        self.source = source
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        lines = [f"{source}: {count} in the configuration"]
        for fault in self.faults:
            lines += [f"  {fault.key}: {fault.problem}", f"    -> {fault.remedy}"]
        super().__init__("\n".join(lines))


class DatabaseRefused(TunewatchError):
    """The file is not ours to touch (another program's, a newer version's) or cannot be opened."""


class NoDatabase(DatabaseRefused):
    """Nothing has been recorded yet: there is no file at the configured place."""


class AlreadyRunning(TunewatchError):
    """Another instance holds the database; the message names it."""


class StoreTrouble(TunewatchError):
    """The database cannot be read or written just now: disk full, locked for long, gone."""


class Damaged(StoreTrouble):
    """The database no longer holds what was written to it: trying again cannot help, and writing may spoil more."""
