"""Logs go to standard error: for people on a terminal, JSON lines for machines."""

import json
import logging
import sys
from datetime import UTC, datetime

from service.rules import plain

FORMATS = ("human", "json")
LEVELS = ("debug", "info", "warning", "error")


def set_up(form: str, level: str) -> None:
    """`form` is one of FORMATS, `level` one of LEVELS."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Human())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # What the libraries chat about at this level is about themselves; our own messages say what matters.
    for name in ("httpx2", "httpcore2", "openai", "alembic", "asyncio", "mail.log", "tzlocal"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of every run that it skips because the one before is not over, which is how we want it.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


class _Human(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        # Providers' messages may hold line breaks and escapes; one record is one line, but for our own tracebacks.
        text = plain.text(record.getMessage(), 4000)
        line = f"{_when(record)} {record.levelname:<7} {text}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": _when(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def _when(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
