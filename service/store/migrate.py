"""Bringing a database to the present schema, or refusing it untouched."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from service import errors
from service.store import engine as engines
from service.store import identity

_MOVE_AWAY = "Name another place with [database] url or DATABASE_URL, or move that file away."


def upgrade(url: str, *, apart: bool = False) -> bool:
    """Make the database if there is none, bring it to the present schema; True when anything was done.

    One transaction: an upgrade that is interrupted leaves the database as it was. `apart`: in a process of its
    own, since the 10 MB of Alembic would stay in this one for weeks. Raises errors.DatabaseRefused for a file of
    another program, of a newer version, or one that cannot be opened.
    """
    path = engines.file_of(url)
    if path is not None:
        _refuse_foreign(path)
    engine = engines.writing(url)
    try:
        if _revision(engine) == identity.REVISION:
            return False
        _run_apart(url) if apart else _run(engine)
    except errors.StoreTrouble as error:
        raise _unusable(path, error.__cause__ or error) from error
    finally:
        engine.dispose()
    return True


def check(url: str) -> None:
    """Refuse, without touching it, a database that `upgrade` would refuse; one that is missing is fine.

    Raises errors.DatabaseRefused.
    """
    path = engines.file_of(url)
    if path is not None:
        _refuse_foreign(path)


def reading(url: str) -> sa.Engine:
    """A read-only engine on a database of exactly this version's schema.

    Raises errors.NoDatabase when there is none, errors.DatabaseRefused when it is another version's.
    """
    path = engines.file_of(url)
    if path is not None and path.exists():
        _refuse_foreign(path)
    engine = engines.reading(url)
    if _revision(engine) != identity.REVISION:
        raise errors.DatabaseRefused(
            f"{path or 'The database'} was made by an older version. Bring it up to date: `tunewatch db upgrade`."
        )
    return engine


def scripts() -> Path:
    """The folder of the migrations: inside an installed package, else beside it in the source tree."""
    package = Path(__file__).parents[1]
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def _refuse_foreign(path: Path) -> None:
    folder = path.absolute().parent
    if not folder.is_dir():
        raise errors.DatabaseRefused(f"There is no folder {folder} for the database. Make it, or {_lower()}")
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        # Another schema version's daemon may be writing; reading disturbs nobody.
        with closing(engines.connect_read_only(path)) as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            revisions = (
                {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
                if "alembic_version" in names
                else set()
            )
    except sqlite3.DatabaseError as error:
        raise _unusable(path, error) from error
    if names and application != identity.APPLICATION_ID:
        raise errors.DatabaseRefused(f"{path.absolute()} belongs to another program; nothing was changed. {_MOVE_AWAY}")
    unknown = revisions - _known_revisions()
    if unknown:
        raise errors.DatabaseRefused(
            f"{path.absolute()} was written by a newer tunewatch (schema {', '.join(sorted(unknown))}, this version "
            f"knows up to {identity.REVISION}); nothing was changed. Update tunewatch, or {_lower()}"
        )


def _lower() -> str:
    return _MOVE_AWAY[0].lower() + _MOVE_AWAY[1:]


def _known_revisions() -> set[str]:
    return {script.name.split("_")[0] for script in (scripts() / "versions").glob("[0-9]*.py")}


def _unusable(path: Path | None, error: BaseException) -> errors.DatabaseRefused:
    where = path.absolute() if path else "The database"
    return errors.DatabaseRefused(
        f"{where} cannot be used: {error}. Check that it is a database of tunewatch, that the disk has room and "
        "that this user may write to the file and its folder."
    )


def _revision(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return revision


def _run(engine: sa.Engine) -> None:
    # Alembic and Mako cost time and memory, needed only when there is something to migrate.
    from alembic import command, config  # noqa: PLC0415

    settings = config.Config()
    settings.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # Rebuilding a parent table with enforcement on would delete its children without a word. The
            # pragma does nothing inside a transaction, so it goes to the driver before one begins.
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.execute("PRAGMA foreign_keys = OFF")
        with connection.begin():
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")
            if engine.dialect.name == "sqlite":
                _verify(connection)


def _run_apart(url: str) -> None:
    # Not as an argument: the URL of another database may hold a password, and arguments are everybody's to read.
    # With -P the folder that we happen to be in is not searched for a package called `service`.
    command = [sys.executable, "-P", "-m", "service.store.migrate"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.run(command, input=url, text=True, capture_output=True, check=False, env=environ)
    if child.returncode:
        said = child.stderr.strip().splitlines() or [f"ended with {child.returncode}"]
        raise errors.DatabaseRefused(f"The database could not be brought up to date: {said[-1]}")


def _verify(connection: sa.Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise errors.DatabaseRefused(
            f"The upgrade would leave {len(broken)} rows without their parents and was taken back; the database "
            "is as it was. Please report this."
        )
    connection.exec_driver_sql(f"PRAGMA application_id = {identity.APPLICATION_ID}")


if __name__ == "__main__":
    try:
        upgrade(sys.stdin.read())
    except errors.TunewatchError as refusal:
        sys.exit(str(refusal))
