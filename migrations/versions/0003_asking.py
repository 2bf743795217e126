"""The history is asked in more ways: indexes for them, and what became of a job's files and its reading.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("results_gone_at", sa.Text(), nullable=True))
    # The ended jobs whose course was never read: what `backfill` still has to do.
    op.create_index(
        "ix_job_past",
        "job",
        ["account_pk", "created_at"],
        unique=False,
        sqlite_where=sa.text(
            "course_read_at IS NULL AND course_due_at IS NULL AND gone_at IS NULL "
            "AND state IN ('succeeded', 'failed', 'cancelled')"
        ),
    )
    # What pages of jobs are chosen and sorted by.
    op.create_index("ix_job_model_created_at", "job", ["model", "created_at"], unique=False)
    op.create_index("ix_job_suffix_created_at", "job", ["suffix", "created_at"], unique=False)
    op.create_index("ix_job_finished_at", "job", ["finished_at"], unique=False)
    op.create_index("ix_job_last_changed_at", "job", ["last_changed_at"], unique=False)
    op.create_index("ix_job_trained_tokens", "job", ["trained_tokens"], unique=False)
    # Notices of a job are asked for by its id alone, too.
    op.drop_index("ix_notice_account_job_id", "notice")
    op.create_index("ix_notice_job_id_account", "notice", ["job_id", "account"], unique=False)
    # What waits or was given up is little among all that was sent.
    op.create_index("ix_delivery_unsent", "delivery", ["state"], unique=False, sqlite_where=sa.text("state <> 'sent'"))
    for name, query in _views().items():
        op.execute(f"DROP VIEW {name}")
        op.execute(f"CREATE VIEW {name} AS {query}")


def _views() -> dict[str, str]:
    """As before, with two columns more, but for the joins.

    What a row refers to is always there; an outer join says so to the planner: it begins with the rows that are asked
    for, whatever statistics it may have, and does not look at accounts and jobs when only other columns are wanted.
    """
    of_job = "LEFT JOIN account a ON a.id = j.account_pk"
    of_course = f"LEFT JOIN job j ON j.id = c.job_pk {of_job}"
    return {
        "job_summary": f"""
            SELECT a.name AS account, j.job_id, j.model, j.fine_tuned_model, j.suffix, j.method, j.status, j.state,
                j.created_at, j.started_at, j.finished_at,
                {_seconds("j.created_at", "j.started_at")} AS queued_seconds,
                {_seconds("j.started_at", "j.finished_at")} AS running_seconds,
                j.trained_tokens,
                {_last("m.train_loss")} AS train_loss,
                {_last("COALESCE(m.full_valid_loss, m.valid_loss)")} AS valid_loss,
                {_last("m.reward")} AS reward,
                j.error_code, j.error_message, j.error_param, j.hyperparameters, j.metadata, j.training_file,
                j.validation_file, j.result_files, j.seed, j.organization_id, j.estimated_finish, j.first_seen_at,
                j.last_changed_at, j.gone_at, j.raw, j.course_read_at, j.results_gone_at
            FROM job j {of_job}""",
        "job_history": f"""
            SELECT a.name AS account, j.job_id, c.from_status, c.to_status, c.observed_at, c.source, c.raw,
                c.id AS change_id
            FROM status_change c {of_course}""",
        "job_events": f"""
            SELECT a.name AS account, j.job_id, c.event_id, c.created_at, c.level, c.type, c.message, c.data,
                c.id AS event_seq
            FROM event c {of_course}""",
        "job_metrics": f"""
            SELECT a.name AS account, j.job_id, c.step, c.train_loss, c.train_accuracy, c.valid_loss,
                c.valid_accuracy, c.full_valid_loss, c.full_valid_accuracy, c.reward, c.valid_reward
            FROM metric c {of_course}""",
        "job_checkpoints": f"""
            SELECT a.name AS account, j.job_id, c.checkpoint_id, c.created_at, c.step, c.model, c.train_loss,
                c.valid_loss, c.raw
            FROM checkpoint c {of_course}""",
        "notice_log": """
            SELECT n.notice_id, n.account, n.job_id, n.kind, t.channel, t.label AS destination, d.state, d.attempts,
                n.created_at, d.sent_at, d.last_error, d.due_at, d.id AS delivery_id
            FROM delivery d LEFT JOIN notice n ON n.id = d.notice_pk LEFT JOIN destination t ON t.id = d.destination_pk
        """,
    }


def _seconds(start: str, end: str) -> str:
    if op.get_bind().dialect.name == "sqlite":
        return f"CAST(strftime('%s', {end}) - strftime('%s', {start}) AS INTEGER)"
    return f"CAST(EXTRACT(EPOCH FROM CAST({end} AS timestamptz) - CAST({start} AS timestamptz)) AS INTEGER)"


def _last(measure: str) -> str:
    return (
        f"(SELECT {measure} FROM metric m WHERE m.job_pk = j.id AND {measure} IS NOT NULL ORDER BY m.step DESC LIMIT 1)"
    )
