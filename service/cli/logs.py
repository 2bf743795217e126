"""Logs go to standard error: for people on a terminal, JSON lines for machines."""

import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType

from service.rules import masking, plain

FORMATS = ("human", "json")
LEVELS = ("debug", "info", "warning", "error")
_LONGEST = 4000


def set_up(form: str, level: str) -> None:
    """`form` is one of FORMATS, `level` one of LEVELS, for our own messages; libraries may warn.

    What they chat about below that is about themselves, and holds addresses and headers.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Human())
    chosen = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(chosen, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("service").setLevel(chosen)
    # It warns of every run that it skips because the one before is not over, which is how we want it.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # What nobody foresaw is a log record too: one JSON line, and without secrets.
    sys.excepthook = _unforeseen
    threading.excepthook = lambda told: _unforeseen(told.exc_type, told.exc_value, told.exc_traceback)


def _unforeseen(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    log = logging.getLogger("service")
    log.critical("failed in an unforeseen way; please report this", exc_info=(kind, error or kind(), trace))


class _Human(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        # Providers' messages may hold line breaks and escapes; one record is one line, but for our own tracebacks.
        text = plain.line(masking.KNOWN.cut(record.getMessage()), _LONGEST)
        line = f"{_when(record)} {record.levelname:<7} {text}"
        return f"{line}\n{_trace(self, record)}" if record.exc_info else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": _when(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masking.KNOWN.cut(record.getMessage())[:_LONGEST],
        }
        if record.exc_info:
            entry["exception"] = _trace(self, record)
        return plain.printable_json(entry)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The traceback. What the exceptions say may be a stranger's, and hold the text that a library choked on."""
    assert record.exc_info
    return plain.lines(masking.KNOWN.cut(formatter.formatException(record.exc_info)), _LONGEST)


def _when(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
