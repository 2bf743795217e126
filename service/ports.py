"""What the watcher and the outbox need from the outside, in the words of the house."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from service import model
from service.rules import backups, health


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

    def models(self) -> tuple[model.ListedModel, ...]:
        """Every model that the account can use."""
        ...

    def model(self, name: str) -> model.ListedModel:
        """One model; errors.NotFound when the account cannot use it."""
        ...

    def ask(self, name: str) -> None:
        """One token of an answer from the model, which costs money; returns when it answered."""
        ...

    @property
    def api_url(self) -> str:
        """The address that tuned models answer at, without a login in it."""
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

    def known_checkpoints(self, account: str, job_id: str, checkpoint_ids: Collection[str]) -> set[str]: ...

    def course_state(self, account: str, job_id: str) -> tuple[bool, str | None]:
        """Whether the course was once read to its end, so that only news is missing; else where to go on."""
        ...

    def course(self, account: str, job_id: str) -> model.Course:
        """The metrics and checkpoints of a job as far as known, and its events that a notice may repeat."""
        ...

    def last_changes(self, account: str, job_ids: Collection[str]) -> dict[str, datetime]:
        """When the last status change of each of the jobs was observed."""
        ...

    def last_heard(self, account: str, job_id: str) -> tuple[datetime | None, model.Event | None]:
        """When the events of a job were last read to their end, and the newest event that has a time."""
        ...

    def models_due(self, account: str, since: datetime, now: datetime, limit: int) -> list[model.Job]:
        """The jobs whose model was to be looked up since then and by now, those first that wait longest."""
        ...

    def model_checked(
        self, account: str, job_id: str, due_at: datetime | None, orders: Iterable[model.Order] = ()
    ) -> None:
        """The model of a job was looked up: do it again at `due_at` (None: never), and tell what came of it."""
        ...

    def tuned(self, account: str) -> list[tuple[str, str, str | None]]:
        """Job, tuned model and base model of every job that a model came of, those that are gone among them."""
        ...

    def told(self, causes: Collection[str]) -> set[str]:
        """Those of the causes of which there is a notice."""
        ...

    def record(self, account: str, updates: Sequence[model.Update], now: datetime) -> None: ...

    def keep_unreadable(self, account: str, raws: Collection[str], now: datetime) -> None: ...

    def gone(self, account: str, job_ids: Collection[str], now: datetime, orders: Iterable[model.Order] = ()) -> None:
        """The provider no longer has these jobs: stop asking for them, and tell it."""
        ...

    def unlisted(self, account: str, listed: Collection[str], now: datetime) -> int:
        """Mark the ended jobs that a listing read to its end did not have as gone; how many."""
        ...

    def end_pass(self, account: model.AccountRecord, orders: Iterable[model.Order] = ()) -> None:
        """Keep the account's record, and what has to be told about it; a cause that was told is left alone."""
        ...


class Backlog(Protocol):
    """The store, as reading the past needs it: the ended jobs whose course was never read, nor is due.

    Other processes may read and write the same meanwhile.
    """

    def newest(self, account: str, since: datetime | None, but: Collection[str]) -> model.Job | None:
        """The newest of these jobs that was created since then, but for those with the ids `but`."""
        ...

    def left(self, account: str, since: datetime | None) -> int:
        """How many of these jobs there are that were created since then."""
        ...

    def keep(
        self, account: str, job_id: str, course: model.Course, now: datetime, *,
        started_at: datetime | None = None, finished_at: datetime | None = None,
    ) -> None:  # fmt: skip
        """Add what is missing of the course, and nothing else of the job but `started_at`, if given, and `finished_at`
        where it is not known."""
        ...


class Queue(Protocol):
    """The store, as a delivery pass needs it. A method that writes is one transaction."""

    def due(
        self, destination: str, now: datetime, limit: int, kinds: Collection[model.Kind] | None = None
    ) -> list[model.Delivery]:
        """What is to be sent at `now`, the oldest first: at most `limit`, and of these kinds (None: of all).

        What was being sent when something cut that off comes before, by itself and whole: however much it is, and
        whatever its kind.
        """
        ...

    def sending(self, delivery_ids: Sequence[int]) -> None:
        """Evidence, before the call that may kill us."""
        ...

    def sent(self, delivery_ids: Sequence[int], now: datetime) -> None: ...

    def postponed(self, delivery_ids: Sequence[int], due_at: datetime, error: str) -> None: ...

    def given_up(
        self, delivery_ids: Sequence[int], now: datetime, error: str, orders: Iterable[model.Order] = ()
    ) -> None: ...

    def destination(self, destination: model.Destination) -> model.DestinationRecord: ...

    def keep_destination(self, record: model.DestinationRecord, orders: Iterable[model.Order] = ()) -> None: ...

    def next_due(self, destination: str, kinds: Collection[model.Kind] | None = None) -> datetime | None: ...

    def fall_back(self, destination: str, others: Sequence[model.Destination], now: datetime) -> int:
        """What waits for this destination is queued for the others as well, unless it is already; how many rows."""
        ...

    def course(self, account: str, job_id: str) -> model.Course:
        """What a picture shows of a job's course."""
        ...

    def summary(self, since: datetime, until: datetime, stalled_since: datetime) -> dict[str, list[dict[str, Any]]]:
        """What a digest tells, in plain JSON values (see rules.notices.digest).

        `ended`: jobs whose end was seen in this time, but for those of the silent past, the failed ones first;
        `running`: those known at its end that have not ended, and apart from them `stuck`, of which nothing was heard
        after `stalled_since`; `blind`: the accounts that cannot be seen now.
        """
        ...

    def summarised(self, channel: str) -> datetime | None:
        """Until when the last digest of the channel reaches; None when it has had none."""
        ...

    def queue(self, order: model.Order) -> None:
        """A notice that no look gave rise to; a cause that was told already is left alone."""
        ...

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


class Attic(Protocol):
    """The folder where backups of the database lie. May raise errors.StoreTrouble or errors.DatabaseRefused."""

    def names(self) -> list[str]:
        """Of the files there."""
        ...

    def make(self, name: str, go_on: Callable[[], bool]) -> backups.Backup:
        """A whole and verified copy of the database, under this name; or nothing at all.

        `go_on` is asked again and again; when it says no, errors.Stopped is raised.
        """
        ...

    def remove(self, name: str) -> None: ...


class Composer(Protocol):
    """Finds the words."""

    def compose(
        self,
        notices: Sequence[model.Notice],
        destination: model.Destination,
        course: model.Course | None = None,
    ) -> model.Message:
        """One message for one notice, or for several that go together; with a picture when a course is given that has
        something to show."""
        ...

    def rows(self, room: int) -> int:
        """How many notices one message may tell of where a text has room for so many characters; at least 1."""
        ...


class Notifier(Protocol):
    """The way out. May raise errors.Transient, and nothing else."""

    def room(self, destination: str) -> int:
        """How many characters a text may have there."""
        ...

    def shows_pictures(self, destination: str) -> bool: ...

    def send(self, destination: str, message: model.Message) -> None:
        """Bring the message to the destination with this key; returns only when it was accepted."""
        ...
