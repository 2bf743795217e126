"""Which process watches now."""

import os
import socket
from datetime import datetime

import sqlalchemy as sa

from service.store import schema


def started(engine: sa.Engine, version: str, now: datetime) -> None:
    """Note which process watches now; the one before is forgotten."""
    row = {"version": version, "host": socket.gethostname(), "pid": os.getpid(), "started_at": now}
    with engine.begin() as connection:
        connection.execute(schema.process.delete())
        connection.execute(schema.process.insert().values(row))


def stopped(engine: sa.Engine, now: datetime) -> None:
    """Note its orderly end; a process that crashed has none."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # A stop must not wait long for somebody who holds the file.
            connection.connection.cursor().execute("PRAGMA busy_timeout = 300")
        connection.execute(schema.process.update().values(stopped_at=now))
        connection.commit()
