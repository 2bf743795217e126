"""What is told past the database: that the database itself cannot be used."""

import threading
from datetime import datetime, timedelta

from service import model
from service.rules import notices


class Alarm:
    """Remembers since when the database gives trouble, and which destinations know. Thread-safe.

    In memory only: there is nowhere else to keep it.
    """

    def __init__(self, patience: timedelta) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._since: datetime | None = None
        self._reason = ""
        self._told: dict[str, datetime] = {}

    def trouble(self, reason: str, now: datetime) -> None:
        """A pass could not be read or written."""
        with self._lock:
            self._since = self._since or now
            self._reason = reason

    def fine(self) -> bool:
        """A whole pass was written; whether that is news to anybody."""
        with self._lock:
            self._since = None
            return bool(self._told)

    def due(self, destination: str, now: datetime) -> model.Notice | None:
        """What this destination has to be told now; counts as told."""
        with self._lock:
            if self._since is None:
                since = self._told.pop(destination, None)
                kind, reason = model.Kind.WATCH_RECOVERED, None
            else:
                long = abs(now - self._since) >= self._patience and destination not in self._told
                since = self._since if long else None
                kind, reason = model.Kind.WATCH_FAILING, self._reason
                if since:
                    self._told[destination] = since
        return notices.of_database(kind, since=since, reason=reason, now=now) if since else None
