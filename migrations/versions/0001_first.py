"""The first schema: accounts, jobs, their history, notices and deliveries.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_tables()
    _make_views()


def _make_views() -> None:
    """The public contract: what these columns mean stands in docs/reading-the-database.md."""
    op.execute(f"""
        CREATE VIEW job_summary AS
        SELECT a.name AS account, j.job_id, j.model, j.fine_tuned_model, j.suffix, j.method, j.status, j.state,
            j.created_at, j.started_at, j.finished_at,
            {_seconds("j.created_at", "j.started_at")} AS queued_seconds,
            {_seconds("j.started_at", "j.finished_at")} AS running_seconds,
            j.trained_tokens,
            {_last("train_loss")} AS train_loss,
            {_last("COALESCE(m.full_valid_loss, m.valid_loss)")} AS valid_loss,
            {_last("reward")} AS reward,
            j.error_code, j.error_message, j.error_param, j.hyperparameters, j.metadata, j.training_file,
            j.validation_file, j.result_files, j.seed, j.organization_id, j.estimated_finish, j.first_seen_at,
            j.last_changed_at, j.gone_at, j.raw
        FROM job j JOIN account a ON a.id = j.account_pk""")
    op.execute("""
        CREATE VIEW job_history AS
        SELECT a.name AS account, j.job_id, c.from_status, c.to_status, c.observed_at, c.source, c.raw,
            c.id AS change_id
        FROM status_change c JOIN job j ON j.id = c.job_pk JOIN account a ON a.id = j.account_pk""")
    op.execute("""
        CREATE VIEW job_events AS
        SELECT a.name AS account, j.job_id, e.event_id, e.created_at, e.level, e.type, e.message, e.data,
            e.id AS event_seq
        FROM event e JOIN job j ON j.id = e.job_pk JOIN account a ON a.id = j.account_pk""")
    op.execute("""
        CREATE VIEW job_metrics AS
        SELECT a.name AS account, j.job_id, m.step, m.train_loss, m.train_accuracy, m.valid_loss,
            m.valid_accuracy, m.full_valid_loss, m.full_valid_accuracy, m.reward, m.valid_reward
        FROM metric m JOIN job j ON j.id = m.job_pk JOIN account a ON a.id = j.account_pk""")
    op.execute("""
        CREATE VIEW job_checkpoints AS
        SELECT a.name AS account, j.job_id, k.checkpoint_id, k.created_at, k.step, k.model, k.train_loss,
            k.valid_loss, k.raw
        FROM checkpoint k JOIN job j ON j.id = k.job_pk JOIN account a ON a.id = j.account_pk""")
    op.execute("""
        CREATE VIEW notice_log AS
        SELECT n.notice_id, n.account, n.job_id, n.kind, t.channel, t.label AS destination, d.state, d.attempts,
            n.created_at, d.sent_at, d.last_error, d.due_at, d.id AS delivery_id
        FROM delivery d JOIN notice n ON n.id = d.notice_pk JOIN destination t ON t.id = d.destination_pk""")


def _seconds(start: str, end: str) -> str:
    if op.get_bind().dialect.name == "sqlite":
        return f"CAST(strftime('%s', {end}) - strftime('%s', {start}) AS INTEGER)"
    return f"CAST(EXTRACT(EPOCH FROM CAST({end} AS timestamptz) - CAST({start} AS timestamptz)) AS INTEGER)"


def _last(measure: str) -> str:
    expression = measure if "m." in measure else f"m.{measure}"
    return (
        f"(SELECT {expression} FROM metric m WHERE m.job_pk = j.id AND {expression} IS NOT NULL "
        "ORDER BY m.step DESC LIMIT 1)"
    )


def _make_tables() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("baseline_at", sa.Text(), nullable=True),
        sa.Column("watermark", sa.Text(), nullable=True),
        sa.Column("full_read_at", sa.Text(), nullable=True),
        sa.Column("last_pass_at", sa.Text(), nullable=True),
        sa.Column("last_good_at", sa.Text(), nullable=True),
        sa.Column("next_pass_at", sa.Text(), nullable=True),
        sa.Column("failing_since", sa.Text(), nullable=True),
        sa.Column("blind_at", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
        sqlite_strict=True,
    )
    op.create_table(
        "destination",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.Text(), nullable=True),
        sa.Column("announced_at", sa.Text(), nullable=True),
        sa.Column("retry_at", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destination")),
        sa.UniqueConstraint("key", name=op.f("uq_destination_key")),
        sqlite_strict=True,
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("cause", name=op.f("uq_notice_cause")),
        sa.UniqueConstraint("notice_id", name=op.f("uq_notice_notice_id")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_notice_account_job_id"), "notice", ["account", "job_id"], unique=False)
    op.create_table(
        "process",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("stopped_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process")),
        sqlite_strict=True,
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_pk", sa.Integer(), nullable=False),
        sa.Column("destination_pk", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'sending', 'sent', 'failed')", name=op.f("ck_delivery_state")),
        sa.ForeignKeyConstraint(["destination_pk"], ["destination.id"], name=op.f("fk_delivery_destination_pk")),
        sa.ForeignKeyConstraint(["notice_pk"], ["notice.id"], name=op.f("fk_delivery_notice_pk")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("notice_pk", "destination_pk", name=op.f("uq_delivery_notice_pk_destination_pk")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["destination_pk", "due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'sending')"),
    )
    op.create_index(
        "ix_delivery_failed", "delivery", ["destination_pk"], unique=False, sqlite_where=sa.text("state = 'failed'")
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_pk", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("fine_tuned_model", sa.Text(), nullable=True),
        sa.Column("suffix", sa.Text(), nullable=True),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=True),
        sa.Column("started_at", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("estimated_finish", sa.Text(), nullable=True),
        sa.Column("trained_tokens", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("error_param", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Text(), nullable=True),
        sa.Column("training_file", sa.Text(), nullable=True),
        sa.Column("validation_file", sa.Text(), nullable=True),
        sa.Column("result_files", sa.Text(), nullable=True),
        sa.Column("seed", sa.Integer(), nullable=True),
        sa.Column("hyperparameters", sa.Text(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.Text(), nullable=False),
        sa.Column("last_changed_at", sa.Text(), nullable=False),
        sa.Column("gone_at", sa.Text(), nullable=True),
        sa.Column("course_read_at", sa.Text(), nullable=True),
        sa.Column("course_due_at", sa.Text(), nullable=True),
        sa.Column("course_cursor", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_pk"], ["account.id"], name=op.f("fk_job_account_pk")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("job_id", "account_pk", name=op.f("uq_job_job_id_account_pk")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_job_account_pk_created_at"), "job", ["account_pk", "created_at"], unique=False)
    op.create_index(
        "ix_job_course_due",
        "job",
        ["account_pk", "course_due_at"],
        unique=False,
        sqlite_where=sa.text("course_due_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_job_created_at"), "job", ["created_at"], unique=False)
    op.create_index(op.f("ix_job_fine_tuned_model"), "job", ["fine_tuned_model"], unique=False)
    op.create_index(op.f("ix_job_state_created_at"), "job", ["state", "created_at"], unique=False)
    op.create_index(
        "ix_job_unfinished",
        "job",
        ["account_pk"],
        unique=False,
        sqlite_where=sa.text("state NOT IN ('succeeded', 'failed', 'cancelled') AND gone_at IS NULL"),
    )
    op.create_table(
        "unreadable",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_pk", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_pk"], ["account.id"], name=op.f("fk_unreadable_account_pk")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unreadable")),
        sa.UniqueConstraint("account_pk", "digest", name=op.f("uq_unreadable_account_pk_digest")),
        sqlite_strict=True,
    )
    op.create_table(
        "checkpoint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_pk", sa.Integer(), nullable=False),
        sa.Column("checkpoint_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("train_loss", sa.REAL(), nullable=True),
        sa.Column("valid_loss", sa.REAL(), nullable=True),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_pk"], ["job.id"], name=op.f("fk_checkpoint_job_pk")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoint")),
        sa.UniqueConstraint("job_pk", "checkpoint_id", name=op.f("uq_checkpoint_job_pk_checkpoint_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_pk", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["job_pk"], ["job.id"], name=op.f("fk_event_job_pk")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("job_pk", "event_id", name=op.f("uq_event_job_pk_event_id")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_event_created_at"), "event", ["created_at"], unique=False)
    op.create_table(
        "metric",
        sa.Column("job_pk", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("train_loss", sa.REAL(), nullable=True),
        sa.Column("train_accuracy", sa.REAL(), nullable=True),
        sa.Column("valid_loss", sa.REAL(), nullable=True),
        sa.Column("valid_accuracy", sa.REAL(), nullable=True),
        sa.Column("full_valid_loss", sa.REAL(), nullable=True),
        sa.Column("full_valid_accuracy", sa.REAL(), nullable=True),
        sa.Column("reward", sa.REAL(), nullable=True),
        sa.Column("valid_reward", sa.REAL(), nullable=True),
        sa.ForeignKeyConstraint(["job_pk"], ["job.id"], name=op.f("fk_metric_job_pk")),
        sa.PrimaryKeyConstraint("job_pk", "step", name=op.f("pk_metric")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "status_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_pk", sa.Integer(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("observed_at", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_pk"], ["job.id"], name=op.f("fk_status_change_job_pk")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_change")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_status_change_job_pk"), "status_change", ["job_pk"], unique=False)
    op.create_index(op.f("ix_status_change_observed_at"), "status_change", ["observed_at"], unique=False)
