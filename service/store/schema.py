"""The tables, as SQLAlchemy sees them. The migrations make them; a test holds the two against each other.

Strict tables refuse most of SQLAlchemy's types, so there are four: Text, Integer, REAL and a time as text.
The tables are ours to change; the views (see migrations) are the contract with users.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service import clock

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcText(sa.TypeDecorator[datetime]):
    """An aware datetime kept as ISO-8601 UTC text of whole seconds, which sorts like time."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else clock.to_text(value)

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else clock.from_text(value)


# Marks the columns of text that hold JSON.
JSON = "json"


def _text(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=not required)


def _json(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=not required, info={JSON: True})


def _time(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UtcText, nullable=not required)


def _number(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, nullable=not required)


def _real(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.REAL)


def _of(table: str, *, primary_key: bool = False) -> sa.Column[Any]:
    """A reference to another table's row number; `job_id` and `notice_id` are the names people see."""
    return sa.Column(
        f"{table}_pk", sa.Integer, sa.ForeignKey(f"{table}.id"), nullable=False, primary_key=primary_key
    )  # fmt: skip


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _table(name: str, *columns: sa.schema.SchemaItem, **options: Any) -> sa.Table:
    return sa.Table(name, metadata, *columns, sqlite_strict=True, **options)


# Conditions of indexes. A query that means one says it in the same words, for so SQLite knows that the index serves.
ENDED = "state IN ('succeeded', 'failed', 'cancelled')"
UNFINISHED = "state NOT IN ('succeeded', 'failed', 'cancelled') AND gone_at IS NULL"
PAST = f"course_read_at IS NULL AND course_due_at IS NULL AND gone_at IS NULL AND {ENDED}"

process = _table(
    "process",
    _id(),
    _text("version", required=True),
    _text("host", required=True),
    _number("pid", required=True),
    _time("started_at", required=True),
    _time("stopped_at"),
)

account = _table(
    "account",
    _id(),
    _text("name", required=True),
    # 1 when the present configuration has it, else 0.
    _number("active", required=True),
    *(
        _time(name)
        for name in (
            "baseline_at", "watermark", "full_read_at", "models_read_at", "last_pass_at", "last_good_at",
            "next_pass_at", "failing_since", "blind_at",
        )
    ),
    _text("last_error"),
    sa.UniqueConstraint("name"),
)  # fmt: skip

job = _table(
    "job",
    _id(),
    _of("account"),
    _text("job_id", required=True),
    _text("status", required=True),
    _text("state", required=True),
    _text("model"),
    _text("fine_tuned_model"),
    _text("suffix"),
    _text("method"),
    _time("created_at"),
    _time("started_at"),
    _time("finished_at"),
    _time("estimated_finish"),
    _number("trained_tokens"),
    _text("error_code"),
    _text("error_message"),
    _text("error_param"),
    _text("organization_id"),
    _text("training_file"),
    _text("validation_file"),
    _json("result_files"),
    _number("seed"),
    _json("hyperparameters"),
    _json("metadata"),
    _json("raw", required=True),
    _time("first_seen_at", required=True),
    _time("last_changed_at", required=True),
    _time("gone_at"),
    _time("course_read_at"),
    _time("course_due_at"),
    _text("course_cursor"),
    _time("model_due_at"),
    # Since when the provider no longer has a result file of it.
    _time("results_gone_at"),
    # The id first: people ask by id alone, and a unique index serves them too.
    sa.UniqueConstraint("job_id", "account_pk"),
    sa.Index(None, "account_pk", "created_at"),
    sa.Index(None, "created_at"),
    sa.Index(None, "state", "created_at"),
    sa.Index(None, "fine_tuned_model"),
    sa.Index(None, "model", "created_at"),
    sa.Index(None, "suffix", "created_at"),
    sa.Index(None, "finished_at"),
    sa.Index(None, "last_changed_at"),
    sa.Index(None, "trained_tokens"),
    # The few unfinished ones are asked for at every pass, among the many ended ones.
    sa.Index(
        "ix_job_unfinished", "account_pk",
        sqlite_where=sa.text(UNFINISHED),
    ),
    sa.Index(
        "ix_job_course_due", "account_pk", "course_due_at",
        sqlite_where=sa.text("course_due_at IS NOT NULL"),
    ),
    # The ended ones whose course was never read, few once the past is read.
    sa.Index(
        "ix_job_past", "account_pk", "created_at",
        sqlite_where=sa.text(PAST),
    ),
    sa.Index(
        "ix_job_model_due", "account_pk", "model_due_at",
        sqlite_where=sa.text("model_due_at IS NOT NULL"),
    ),
)  # fmt: skip

status_change = _table(
    "status_change",
    _id(),
    _of("job"),
    _text("from_status"),
    _text("to_status", required=True),
    _time("observed_at", required=True),
    _text("source", required=True),
    _json("raw", required=True),
    sa.Index(None, "job_pk"),
    sa.Index(None, "observed_at"),
)

event = _table(
    "event",
    _id(),
    _of("job"),
    _text("event_id", required=True),
    _time("created_at"),
    _text("level"),
    _text("type"),
    _text("message", required=True),
    _json("data"),
    sa.UniqueConstraint("job_pk", "event_id"),
    sa.Index(None, "created_at"),
)

metric = _table(
    "metric",
    _of("job", primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True),
    *(
        _real(name)
        for name in (
            "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "full_valid_loss",
            "full_valid_accuracy", "reward", "valid_reward",
        )
    ),
    sqlite_with_rowid=False,
)  # fmt: skip

checkpoint = _table(
    "checkpoint",
    _id(),
    _of("job"),
    _text("checkpoint_id", required=True),
    _time("created_at"),
    _number("step"),
    _text("model"),
    _real("train_loss"),
    _real("valid_loss"),
    _json("raw", required=True),
    sa.UniqueConstraint("job_pk", "checkpoint_id"),
)

notice = _table(
    "notice",
    _id(),
    _text("notice_id", required=True),
    _text("cause", required=True),
    _text("kind", required=True),
    # Names rather than references: a notice may concern the watch itself and no account or job.
    _text("account"),
    _text("job_id"),
    _time("created_at", required=True),
    _json("facts", required=True),
    sa.UniqueConstraint("notice_id"),
    sa.UniqueConstraint("cause"),
    sa.Index(None, "job_id", "account"),
)

destination = _table(
    "destination",
    _id(),
    _text("key", required=True),
    _text("channel", required=True),
    _text("label", required=True),
    _number("active", required=True),
    _number("failures", required=True),
    _time("failing_since"),
    _time("announced_at"),
    _time("retry_at"),
    _text("last_error"),
    sa.UniqueConstraint("key"),
)

delivery = _table(
    "delivery",
    _id(),
    _of("notice"),
    _of("destination"),
    _text("state", required=True),
    _number("attempts", required=True),
    _time("created_at", required=True),
    _time("due_at", required=True),
    _time("sent_at"),
    _text("last_error"),
    sa.UniqueConstraint("notice_pk", "destination_pk"),
    sa.CheckConstraint("state IN ('pending', 'sending', 'sent', 'failed')", name="state"),
    sa.Index(
        "ix_delivery_due", "destination_pk", "due_at",
        sqlite_where=sa.text("state IN ('pending', 'sending')"),
    ),
    sa.Index(
        "ix_delivery_failed", "destination_pk",
        sqlite_where=sa.text("state = 'failed'"),
    ),
    # People ask what waits and what was given up: little among all that was sent.
    sa.Index("ix_delivery_unsent", "state", sqlite_where=sa.text("state <> 'sent'")),
)  # fmt: skip

unreadable = _table(
    "unreadable",
    _id(),
    _of("account"),
    _text("digest", required=True),
    _json("raw", required=True),
    _time("first_seen_at", required=True),
    sa.UniqueConstraint("account_pk", "digest"),
)
