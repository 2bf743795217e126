"""What people are told, where, and how that fares."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any


class Kind(enum.StrEnum):
    """What a notice tells.

    Of a job: the first four are named like the state that it reached, the next four tell of its way there,
    `model_check` and `model_shutdown` of the model that came of it. Then of the watch itself, and the summary.
    """

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    CREATED = "created"
    STARTED = "started"
    RESUMED = "resumed"
    CHECKPOINT = "checkpoint"
    STALLED = "stalled"
    MODEL_CHECK = "model_check"
    MODEL_SHUTDOWN = "model_shutdown"
    WATCH_FAILING = "watch_failing"
    WATCH_RECOVERED = "watch_recovered"
    DELIVERY_FAILED = "delivery_failed"
    DIGEST = "digest"


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
class Channel:
    """By which rules notices go somewhere. The defaults: all of them, each at once and by itself.

    `kinds`, `accounts`, `models`, `metadata`, `min_duration` say which: names are patterns with `*` and `?`, and a job
    that ended sooner than `min_duration` after its creation is no news. `group_wait`: for so long a notice waits for
    company, and what waits together goes in one message. `quiet`: from and until when, in the owner's zone, all kinds
    but the `urgent` ones wait. `most_per_hour`: messages to one destination. `digest_at`: nothing but a summary, daily
    at this time. `fallback`: the channel that gets what could not be delivered here for `fallback_after` attempts.
    """

    name: str
    kinds: frozenset[Kind]
    accounts: tuple[str, ...] = ("*",)
    models: tuple[str, ...] = ("*",)
    metadata: Mapping[str, str] = field(default_factory=dict)
    min_duration: timedelta = timedelta(0)
    group_wait: timedelta = timedelta(0)
    quiet: tuple[time, time] | None = None
    urgent: frozenset[Kind] = frozenset()
    most_per_hour: int | None = None
    digest_at: time | None = None
    fallback: str | None = None
    fallback_after: int = 3
    language: str = "en"


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """One place where a channel's notices go. `label` names it without its secrets; `key` identifies it."""

    key: str
    channel: Channel
    label: str

    @property
    def name(self) -> str:
        """For people: the channel, and where exactly."""
        return f"{self.channel.name} ({self.label})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A notice and the destinations it goes to: what is written together with the change that caused it."""

    notice: Notice
    destinations: tuple[Destination, ...]


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
    """One notice on its way to one destination.

    `attempts` counts those already made, the last for `last_error`. `interrupted`: it was being sent when something cut
    that off, so it may have arrived.
    """

    delivery_id: int
    notice: Notice
    attempts: int
    created_at: datetime
    last_error: str | None = None
    interrupted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One or several notices in words.

    `body` is plain text, `markdown` and `html` say the same. `dedup_key` is the same at every attempt to bring it to
    the same destination; `thread` in every message about the same job. `data` is its form for machines, plain JSON
    values. `picture`: a PNG, where there is something to show.
    """

    title: str
    body: str
    kind: Kind
    notice_id: str
    dedup_key: str
    markdown: str | None = None
    html: str | None = None
    thread: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    picture: bytes | None = None


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
