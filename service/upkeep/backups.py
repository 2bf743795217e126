"""The backups that are made by themselves."""

import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta

from service import errors, ports
from service.rules import backups, plain

log = logging.getLogger(__name__)


class Backups:
    """Keeps the newest copies of the database in a folder; remembers only what it has logged."""

    def __init__(self, attic: ports.Attic, *, every: timedelta, keep: int) -> None:
        self._attic = attic
        self._every = every
        self._keep = keep
        self._told: str | None = None

    def keep(self, now: datetime, go_on: Callable[[], bool]) -> None:
        """Make one if it is time, and remove the oldest. What keeps it from that is logged, once for each cause.

        Raises errors.Stopped when `go_on` says so, errors.Damaged when the database turns out to be.
        """
        try:
            last = backups.newest(self._attic.names(), now)
            if last is None or now - last >= self._every:
                self._make(backups.name(now), go_on)
        except errors.Damaged:
            raise
        except (errors.StoreTrouble, errors.DatabaseRefused) as error:
            # The same trouble has other numbers each time.
            cause = re.sub(r"[\d.,]+", "", str(error))
            log.log(logging.DEBUG if cause == self._told else logging.ERROR, "backup: %s", error)
            self._told = cause

    def _make(self, name: str, go_on: Callable[[], bool]) -> None:
        made = self._attic.make(name, go_on)
        log.info("backup made and verified: %s, %s", made.path, plain.megabytes(made.size_bytes))
        self._told = None
        for each in backups.surplus(self._attic.names(), keep=self._keep, made=name):
            self._attic.remove(each)
            log.info("old backup removed: %s", each)
