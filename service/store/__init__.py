"""The history on disk: the one room that knows SQLAlchemy, Alembic and SQLite."""
