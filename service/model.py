"""The vocabulary: frozen records that every floor shares. Imports the standard library only.

Times are aware UTC datetimes in whole seconds. A field that the provider may leave out is None when it did.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
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


class Kind(enum.StrEnum):
    """What a notice tells. The first four are named like the state that the job reached."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    WATCH_FAILING = "watch_failing"
    WATCH_RECOVERED = "watch_recovered"
    DELIVERY_FAILED = "delivery_failed"


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
class Course:
    """What was read of a job's course. `complete` tells whether everything there was has been read.

    `cursor`: of a reading that was cut short, the event behind which it goes on.
    """

    events: tuple[Event, ...] = ()
    metrics: tuple[Metric, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    complete: bool = False
    cursor: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusChange:
    """One row of history. `from_status` is None at the first sight of a job."""

    from_status: str | None
    to_status: str
    observed_at: datetime
    source: Source


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Something worth telling, once per `cause`. `facts` is all the wording needs: plain JSON values.

    `notice_id` is short, follows from the cause and stands in every text sent, so repeats can be recognised.
    """

    notice_id: str
    cause: str
    kind: Kind
    account: str | None
    job_id: str | None
    created_at: datetime
    facts: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """One place where a channel's notices go. `label` names it without its secrets; `key` identifies it."""

    key: str
    channel: str
    label: str
    kinds: frozenset[Kind]
    accounts: tuple[str, ...]

    @property
    def name(self) -> str:
        """For people: the channel, and where exactly."""
        return f"{self.channel} ({self.label})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A notice and the destinations it goes to: what is written together with the change that caused it."""

    notice: Notice
    destinations: tuple[Destination, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """What one look at one job brought: everything of it is written in one transaction."""

    job: Job
    change: StatusChange | None = None
    course: Course | None = None
    course_due_at: datetime | None = None
    orders: tuple[Order, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountRecord:
    """What is known of an account between passes.

    `baseline_at`: end of the first complete reading. `watermark`: creation time of the newest job at the end
    of the last complete pass. `full_read_at`: when the whole listing was last read. `failing_since`: first
    failed pass since the last good one. `blind_at`: when it was announced that the account cannot be seen.
    """

    name: str
    baseline_at: datetime | None = None
    watermark: datetime | None = None
    full_read_at: datetime | None = None
    last_pass_at: datetime | None = None
    last_good_at: datetime | None = None
    next_pass_at: datetime | None = None
    failing_since: datetime | None = None
    blind_at: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DestinationRecord:
    """How a destination fares. `failures` counts failed attempts since the last success."""

    key: str
    channel: str
    label: str
    failures: int = 0
    failing_since: datetime | None = None
    announced_at: datetime | None = None
    retry_at: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One notice on its way to one destination. `attempts` counts those already made, the last for `last_error`."""

    delivery_id: int
    notice: Notice
    attempts: int
    created_at: datetime
    last_error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A notice in words. `dedup_key` is the same at every attempt to bring it to the same destination."""

    title: str
    body: str
    kind: Kind
    notice_id: str
    dedup_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Resumed:
    """What the start of a process found in the outbox, in rows.

    `rerouted`: their destination is no longer configured, queued for the channel's present destinations.
    `abandoned`: their channel is gone.
    """

    rerouted: int
    abandoned: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Resent:
    """What was queued anew, in deliveries. `homeless`: channels that have no destination any more."""

    queued: int
    homeless: tuple[str, ...]
