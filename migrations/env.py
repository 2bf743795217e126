"""How Alembic runs our migrations: on the connection that service.store.migrate hands over.

For people writing a migration: `make migration NAME="what it does"` starts one from the difference between
service/store/schema.py and the newest revision.
"""

import sqlalchemy as sa
from alembic import context

from service.store import schema


def _run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=schema.metadata,
        # SQLite alters a table by making it anew; named constraints survive that.
        render_as_batch=True,
        transaction_per_migration=False,
    )
    context.run_migrations()


_run(context.config.attributes["connection"])
