"""Small builders for model records: what a test does not care about has a plain value."""

from datetime import UTC, datetime, timedelta
from typing import Any

from service import model
from service.rules import reading

# Of the rest, a pass looks up what it otherwise does not, or steps are told that most people let pass.
USUAL = frozenset(
    (
        model.Kind.SUCCEEDED, model.Kind.FAILED, model.Kind.CANCELLED, model.Kind.PAUSED, model.Kind.WATCH_FAILING,
        model.Kind.WATCH_RECOVERED, model.Kind.DELIVERY_FAILED,
    )
)  # fmt: skip
NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """So many minutes after NOON."""
    return NOON + timedelta(minutes=minutes)


def job(status: str = "running", **fields: Any) -> model.Job:
    """A job with this status, and the state that goes with it."""
    plain: dict[str, Any] = {"account": "main", "job_id": "ftjob-1", "raw": "{}"}
    return model.Job(**{**plain, "status": status, "state": reading.state_of(status), **fields})


def destination(key: str = "d1", **fields: Any) -> model.Destination:
    """A destination whose channel wants everything of every account, but for these rules."""
    return model.Destination(key=key, channel=channel("default", **fields), label="mail to a@b.example")


def channel(name: str, **rules: Any) -> model.Channel:
    """A channel that wants everything, but for these rules."""
    return model.Channel(name=name, **{"kinds": frozenset(model.Kind), **rules})
