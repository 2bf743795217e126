"""What is forgotten, and when; and that the database does not grow in silence.

Jobs, status changes, metrics, checkpoints and notices are kept for ever.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from service import ports
from service.rules import health, plain
from service.upkeep.backups import Backups

log = logging.getLogger(__name__)

# Cheap enough, and a write-ahead log that a forgotten reader lets grow is noticed on the same day.
EVERY = timedelta(minutes=10)


class Upkeep:
    """Keeps house, call after call; remembers only what it has logged."""

    def __init__(self, store: ports.Shelf, keep_events: timedelta, backups: Backups | None = None) -> None:
        self._store = store
        self._keep_events = keep_events
        self._backups = backups
        self._told_bytes = 0

    def keep(self, now: datetime, go_on: Callable[[], bool] = lambda: True) -> None:
        """One round. Raises errors.StoreTrouble; and errors.Stopped, soon after `go_on` says no."""
        self._watch_wal()
        prune(self._store, self._keep_events, now)
        # Last, since a big database takes its time.
        if self._backups:
            self._backups.keep(now, go_on)

    def _watch_wal(self) -> None:
        """Say that the write-ahead log is too large, again each time that it has doubled, and that it is small again.

        It grows while somebody keeps a reading transaction open: what is younger than that cannot be taken out of it.
        """
        found = self._store.condition()
        if found and found.wal_bytes > health.WAL_LIMIT_BYTES:
            # The reader may be gone, and nobody has written since.
            self._store.cut_wal()
            found = self._store.condition()
        if found is None:
            return
        problem = health.wal_problem(found)
        if problem and found.wal_bytes >= 2 * self._told_bytes:
            log.warning("%s", problem)
            self._told_bytes = found.wal_bytes
        elif self._told_bytes and not problem:
            log.info("%s-wal is small again", found.path)
            self._told_bytes = 0


def prune(store: ports.Shelf, keep_events: timedelta, now: datetime) -> int:
    """Forget events older than `keep_events`; how many that were."""
    removed = store.forget_events(now - keep_events)
    if removed:
        log.info("%d events older than %s removed", removed, plain.duration(keep_events))
    return removed
