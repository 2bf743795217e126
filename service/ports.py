"""What the watcher and the outbox need from the outside, in the words of the house."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from service import model
from service.rules import health


class Provider(Protocol):
    """One account at a provider of the fine-tuning API. Every method may raise errors.Transient,
    errors.RateLimited, errors.Refused, errors.NotFound or errors.Permanent, and nothing else."""

    def jobs(self, after: str | None) -> model.Page:
        """The page of jobs behind the cursor `after`; None asks for the first."""
        ...

    def retrieve(self, job_id: str) -> model.Item:
        """One job by its id."""
        ...

    def read(self, item: model.Item) -> model.Job:
        """The job that an item holds. Whatever the payload leaves out or mistypes reads as None."""
        ...

    def events(self, job_id: str, after: str | None) -> model.EventPage:
        """The page of the job's events behind the cursor `after`."""
        ...

    def checkpoints(self, job_id: str) -> tuple[model.Checkpoint, ...]:
        """The checkpoints of a job."""
        ...

    def results(self, file_id: str) -> tuple[model.Metric, ...]:
        """The metrics in a result file."""
        ...

    def page_url(self, job_id: str) -> str | None:
        """Where a person can look at the job in a browser, if the provider has such a place."""
        ...


class Record(Protocol):
    """The store, as a poll pass needs it. A method that writes is one transaction."""

    def account(self, name: str) -> model.AccountRecord: ...

    def unfinished(self, account: str) -> dict[str, datetime | None]:
        """Id and creation time of every job that has not ended and is not gone."""
        ...

    def count(self, account: str) -> int:
        """How many jobs of the account are known, ended ones and those that are gone among them."""
        ...

    def raws(self, account: str, job_ids: Collection[str]) -> dict[str, str]:
        """The last raw payload of those of the jobs that are known."""
        ...

    def known(self, account: str, job_ids: Collection[str]) -> dict[str, model.Job]: ...

    def page_ends(self, account: str, page_size: int, pages: int) -> list[datetime]:
        """Creation time of every `page_size`-th job, newest first, at most `pages` of them."""
        ...

    def course_due(self, account: str, now: datetime, limit: int) -> list[model.Job]: ...

    def known_events(self, account: str, job_id: str, event_ids: Collection[str]) -> set[str]: ...

    def course_state(self, account: str, job_id: str) -> tuple[bool, str | None]:
        """Whether the course was once read to its end, so that only news is missing; else where to go on."""
        ...

    def metrics(self, account: str, job_id: str) -> tuple[model.Metric, ...]: ...

    def record(self, account: str, updates: Sequence[model.Update], now: datetime) -> None: ...

    def keep_unreadable(self, account: str, raws: Collection[str], now: datetime) -> None: ...

    def gone(self, account: str, job_ids: Collection[str], now: datetime, orders: Iterable[model.Order] = ()) -> None:
        """The provider no longer has these jobs: stop asking for them, and tell it."""
        ...

    def end_pass(self, account: model.AccountRecord, orders: Iterable[model.Order] = ()) -> None:
        """Keep the account's record, and what has to be told about it."""
        ...


class Queue(Protocol):
    """The store, as a delivery pass needs it. A method that writes is one transaction."""

    def due(self, destination: str, now: datetime, limit: int) -> list[model.Delivery]:
        """What is to be sent now, among it what was being sent when something cut that off."""
        ...

    def sending(self, delivery_id: int) -> None:
        """Evidence, before the call that may kill us."""
        ...

    def sent(self, delivery_id: int, now: datetime) -> None: ...

    def postponed(self, delivery_id: int, due_at: datetime, error: str) -> None: ...

    def given_up(self, delivery_id: int, now: datetime, error: str, orders: Iterable[model.Order] = ()) -> None: ...

    def destination(self, destination: model.Destination) -> model.DestinationRecord: ...

    def keep_destination(self, record: model.DestinationRecord, orders: Iterable[model.Order] = ()) -> None: ...

    def next_due(self, destination: str) -> datetime | None: ...

    def hurry(self, now: datetime) -> None:
        """Whatever waits for a time after `now` is due at `now`."""
        ...

    def resume(self, destinations: Sequence[model.Destination], now: datetime) -> model.Resumed: ...


class Shelf(Protocol):
    """The store, as housekeeping needs it."""

    def forget_events(self, before: datetime) -> int:
        """Remove the events of ended jobs that were created before; how many."""
        ...

    def condition(self) -> health.Database | None:
        """The file as it looks from outside; None for a database that is no file."""
        ...

    def cut_wal(self) -> None:
        """Empty the write-ahead log into the database, as far as nobody reads from it."""
        ...


class Notifier(Protocol):
    """The way out. May raise errors.Transient, and nothing else."""

    def send(self, destination: str, message: model.Message) -> None:
        """Bring the message to the destination with this key; returns only when it was accepted."""
        ...
