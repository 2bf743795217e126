"""The public views, column by column: the contract with users, and what commands print and export.

Their meaning stands in docs/reading-the-database.md. Times are ISO-8601 UTC text. `raw`, the provider's own object, is
left out where rows are listed: it is larger than all the rest.
"""

from typing import Any

import sqlalchemy as sa

# For the commands, which choose among them without knowing SQLAlchemy.
View = sa.TableClause

_TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(), "whole": sa.Integer(), "real": sa.REAL(), "json": sa.JSON(),
}  # fmt: skip


def _view(name: str, columns: str) -> sa.TableClause:
    """`columns`: names, each with its kind behind a colon unless it is text; in the view's own order."""
    pairs = [word.partition(":") for word in columns.split()]
    return sa.table(name, *(sa.column(column, _TYPES[kind or "text"]) for column, _, kind in pairs))


SUMMARY = _view("job_summary", """
    account job_id model fine_tuned_model suffix method status state created_at started_at finished_at
    queued_seconds:whole running_seconds:whole trained_tokens:whole train_loss:real valid_loss:real reward:real
    error_code error_message error_param hyperparameters:json metadata:json training_file validation_file
    result_files:json seed:whole organization_id estimated_finish first_seen_at last_changed_at gone_at raw:json
    course_read_at results_gone_at
""")  # fmt: skip
HISTORY = _view("job_history", "account job_id from_status to_status observed_at source raw:json change_id:whole")
EVENTS = _view("job_events", "account job_id event_id created_at level type message data:json event_seq:whole")
METRICS = _view("job_metrics", """
    account job_id step:whole train_loss:real train_accuracy:real valid_loss:real valid_accuracy:real
    full_valid_loss:real full_valid_accuracy:real reward:real valid_reward:real
""")  # fmt: skip
CHECKPOINTS = _view("job_checkpoints", """
    account job_id checkpoint_id created_at step:whole model train_loss:real valid_loss:real raw:json
""")  # fmt: skip
NOTICES = _view("notice_log", """
    notice_id account job_id kind channel destination state attempts:whole created_at sent_at last_error due_at
    delivery_id:whole
""")  # fmt: skip

ALL = (SUMMARY, HISTORY, EVENTS, METRICS, CHECKPOINTS, NOTICES)


def listed(view: sa.TableClause) -> sa.Select[Any]:
    """Every column but `raw`."""
    return sa.select(*(column for column in view.c if column.name != "raw"))


def fields(view: sa.TableClause) -> list[str]:
    """The names of what `listed` brings, in order."""
    return [column.name for column in listed(view).selected_columns]
