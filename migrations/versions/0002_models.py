"""When the models of an account, and the model of a job, are to be looked up.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added at the end of the row, without making the tables anew: theirs may be a hundred thousand rows.
    op.add_column("account", sa.Column("models_read_at", sa.Text(), nullable=True))
    op.add_column("job", sa.Column("model_due_at", sa.Text(), nullable=True))
    op.create_index(
        "ix_job_model_due",
        "job",
        ["account_pk", "model_due_at"],
        unique=False,
        sqlite_where=sa.text("model_due_at IS NOT NULL"),
    )
