"""Small builders for model records: what a test does not care about has a plain value."""

from datetime import UTC, datetime, timedelta
from typing import Any

from service import model
from service.rules import reading

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """So many minutes after NOON."""
    return NOON + timedelta(minutes=minutes)


def job(status: str = "running", **fields: Any) -> model.Job:
    """A job with this status, and the state that goes with it."""
    plain: dict[str, Any] = {"account": "main", "job_id": "ftjob-1", "raw": "{}"}
    return model.Job(**{**plain, "status": status, "state": reading.state_of(status), **fields})


def destination(key: str = "d1", **fields: Any) -> model.Destination:
    """A destination that wants everything of every account."""
    plain: dict[str, Any] = {
        "channel": "default", "label": "mail to a@b.example", "kinds": frozenset(model.Kind), "accounts": ("*",),
    }  # fmt: skip
    return model.Destination(key=key, **{**plain, **fields})
