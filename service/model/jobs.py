"""A provider's jobs and what it says of their course. A field that the provider may leave out is None when it did."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


class State(enum.StrEnum):
    """Our reading of a provider's status."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected of the job. Unknown means unfinished."""
        return self in (State.SUCCEEDED, State.FAILED, State.CANCELLED)


class Source(enum.StrEnum):
    """How we learnt of a status."""

    BASELINE = "baseline"
    LIST = "list"
    RETRIEVE = "retrieve"


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One fine-tuning job as last seen. `raw` is the provider's object as JSON text with sorted keys."""

    account: str
    job_id: str
    status: str
    state: State
    raw: str
    model: str | None = None
    fine_tuned_model: str | None = None
    suffix: str | None = None
    method: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    estimated_finish: datetime | None = None
    trained_tokens: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    error_param: str | None = None
    organization_id: str | None = None
    training_file: str | None = None
    validation_file: str | None = None
    result_files: tuple[str, ...] = ()
    seed: int | None = None
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One entry of a listing, barely read: enough to see whether it changed and where it stands."""

    job_id: str
    created_at: datetime | None
    raw: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One answer of a listing. `after` is the cursor of the next page, None when there is none."""

    items: tuple[Item, ...]
    after: str | None
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One line of a job's own log. `data` is the provider's object as JSON text, None when empty."""

    event_id: str
    created_at: datetime | None
    level: str | None
    type: str | None
    message: str
    data: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """What was measured at one training step. Accuracies are mean token accuracies from 0 to 1."""

    step: int
    train_loss: float | None = None
    train_accuracy: float | None = None
    valid_loss: float | None = None
    valid_accuracy: float | None = None
    full_valid_loss: float | None = None
    full_valid_accuracy: float | None = None
    reward: float | None = None
    valid_reward: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPage:
    """One answer of the event listing, with the metrics that its events carry."""

    events: tuple[Event, ...]
    metrics: tuple[Metric, ...]
    after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A usable model from the middle of a run."""

    checkpoint_id: str
    created_at: datetime | None
    step: int | None
    model: str | None
    train_loss: float | None = None
    valid_loss: float | None = None
    raw: str = "{}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedModel:
    """A model that an account can use. `shutdown_date`: the day from which it cannot, when that is announced."""

    name: str
    shutdown_date: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What was read of a job's course. `complete` tells whether everything there was has been read.

    `cursor`: of a reading that was cut short, the event behind which it goes on. `results_gone`: the provider no longer
    has a result file.
    """

    events: tuple[Event, ...] = ()
    metrics: tuple[Metric, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    complete: bool = False
    cursor: str | None = None
    results_gone: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusChange:
    """One row of history. `from_status` is None at the first sight of a job."""

    from_status: str | None
    to_status: str
    observed_at: datetime
    source: Source
