"""Questions to the history, through the public views; for health, to the tables. Rows come out as dictionaries."""

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from service import errors
from service.rules import plain

Row = dict[str, Any]

_LAST_CHARACTER = "\U0010ffff"
_JSON_COLUMNS = ("metadata", "hyperparameters", "result_files", "raw", "data")


def _view(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in columns))


SUMMARY = _view(
    "job_summary", "account", "job_id", "model", "fine_tuned_model", "suffix", "method", "status", "state",
    "created_at", "started_at", "finished_at", "queued_seconds", "running_seconds", "trained_tokens",
    "train_loss", "valid_loss", "reward", "error_code", "error_message", "error_param", "hyperparameters",
    "metadata", "training_file", "validation_file", "result_files", "seed", "organization_id", "estimated_finish",
    "first_seen_at",
    "last_changed_at", "gone_at",
)  # fmt: skip
HISTORY = _view("job_history", "account", "job_id", "from_status", "to_status", "observed_at", "source", "change_id")
EVENTS = _view(
    "job_events", "account", "job_id", "event_id", "created_at", "level", "type", "message", "data", "event_seq"
)
METRICS = _view(
    "job_metrics", "account", "job_id", "step", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy",
    "full_valid_loss", "full_valid_accuracy", "reward", "valid_reward",
)  # fmt: skip
CHECKPOINTS = _view(
    "job_checkpoints", "account", "job_id", "checkpoint_id", "created_at", "step", "model", "train_loss", "valid_loss"
)
NOTICES = _view(
    "notice_log", "notice_id", "account", "job_id", "kind", "channel", "destination", "state", "attempts", "created_at",
    "sent_at", "last_error", "due_at", "delivery_id",
)  # fmt: skip


class Reading:
    """Reads, never writes. Times are ISO-8601 UTC text, as in the views."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def jobs(self, *, limit: int, account: str | None = None, states: Iterable[str] = ()) -> list[Row]:
        """The newest jobs first."""
        query = sa.select(SUMMARY).order_by(SUMMARY.c.created_at.desc()).limit(limit)
        if account:
            query = query.where(SUMMARY.c.account == account)
        if wanted := list(states):
            query = query.where(SUMMARY.c.state.in_(wanted))
        return self._rows(query)

    def job(self, name: str, account: str | None = None) -> Row:
        """The one job with this id, tuned model or beginning of an id. Raises errors.NotFound."""
        # A range rather than LIKE, which ignores capitals and therefore the index.
        beginning = SUMMARY.c.job_id.between(name, name + _LAST_CHARACTER)
        for condition in (SUMMARY.c.job_id == name, SUMMARY.c.fine_tuned_model == name, beginning):
            query = sa.select(SUMMARY).where(condition).limit(6)
            found = self._rows(query.where(SUMMARY.c.account == account) if account else query)
            if len(found) > 1:
                listed = ", ".join(f"{plain.line(row['job_id'], 120)} ({row['account']})" for row in found[:5])
                raise errors.NotFound(f"{name!r} fits several jobs: {listed}. Give more of the id, or --account.")
            if found:
                return found[0]
        raise errors.NotFound(f"No job {name!r} is recorded. `tunewatch jobs` lists those that are.")

    def raw(self, job: Row) -> Any:
        """The provider's own object, as it was last seen."""
        view = _view("job_summary", "account", "job_id", "raw")
        query = sa.select(view.c.raw).where(view.c.account == job["account"], view.c.job_id == job["job_id"])
        return self._rows(query)[0]["raw"]

    def history(self, *, job: Row | None = None, account: str | None = None, limit: int) -> list[Row]:
        """Status changes, newest first."""
        query = self._of(HISTORY, job).order_by(HISTORY.c.change_id.desc()).limit(limit)
        # Joined to an empty text, the name serves no index: walking from the newest change until the page is full
        # beats collecting and sorting all changes of the account.
        return self._rows(query.where(HISTORY.c.account.concat("") == account) if account else query)

    def events(self, *, job: Row, limit: int) -> list[Row]:
        """The job's newest events, oldest first."""
        newest_first = self._of(EVENTS, job).order_by(EVENTS.c.created_at.desc(), EVENTS.c.event_seq.desc())
        return self._rows(newest_first.limit(limit))[::-1]

    def metrics(self, job: Row) -> list[Row]:
        """All steps in order."""
        return self._rows(self._of(METRICS, job).order_by(METRICS.c.step))

    def checkpoints(self, job: Row) -> list[Row]:
        """In the order of their steps."""
        return self._rows(self._of(CHECKPOINTS, job).order_by(CHECKPOINTS.c.step))

    def deliveries(
        self, *, limit: int, job: Row | None = None, states: Iterable[str] = (), notice_id: str | None = None
    ) -> list[Row]:
        """Newest first."""
        query = self._of(NOTICES, job).order_by(NOTICES.c.delivery_id.desc()).limit(limit)
        if notice_id:
            query = query.where(NOTICES.c.notice_id == notice_id)
        if wanted := list(states):
            query = query.where(NOTICES.c.state.in_(wanted))
        return self._rows(query)

    def accounts(self) -> list[Row]:
        """How each configured account fares."""
        return self._rows(sa.text("SELECT * FROM account WHERE active = 1 ORDER BY name"))

    def destinations(self, failed_since: str) -> list[Row]:
        """How each configured destination fares, how many deliveries wait, and how many were given up since."""
        query = sa.text("""
            SELECT t.*,
                (SELECT count(*) FROM delivery d
                 WHERE d.destination_pk = t.id AND d.state IN ('pending', 'sending')) AS waiting,
                (SELECT count(*) FROM delivery d
                 WHERE d.destination_pk = t.id AND d.state = 'failed' AND d.due_at >= :since) AS failed
            FROM destination t WHERE t.active = 1 ORDER BY channel, label""")
        return self._rows(query.bindparams(since=failed_since))

    def process(self) -> Row | None:
        """The daemon that watches now, or watched last."""
        found = self._rows(sa.text("SELECT * FROM process"))
        return found[0] if found else None

    def _of(self, view: sa.TableClause, job: Row | None) -> sa.Select[Any]:
        query = sa.select(view)
        return query.where(view.c.account == job["account"], view.c.job_id == job["job_id"]) if job else query

    def _rows(self, query: sa.Executable) -> list[Row]:
        with self._engine.connect() as connection:
            found = [dict(row) for row in connection.execute(query).mappings()]
        for row in found:
            for name in _JSON_COLUMNS:
                if isinstance(row.get(name), str):
                    row[name] = json.loads(row[name])
        return found
