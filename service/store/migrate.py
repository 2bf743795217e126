"""Bringing a database to the present schema, or refusing it untouched."""

import logging
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import sqlalchemy as sa

from service import errors
from service.rules import plain
from service.store import backup, condition, identity, trouble
from service.store import engine as engines

log = logging.getLogger(__name__)

# The child's exit code for an error of ours, told apart from a crash.
_REFUSED = 3
_OURS = {"alembic_version", "account", "job", "status_change", "notice", "delivery"}
_MOVE_AWAY = "Name another place with [database] url or DATABASE_URL, or move that file away."


def upgrade(url: str, *, apart: bool = False, keep: bool = True, kept: Callable[[Path], None] = lambda _: None) -> bool:
    """Make the database if there is none, bring it to the present schema; True when anything was done.

    One transaction: an upgrade that is interrupted leaves the database as it was. With `keep` a copy of what it holds
    is kept beforehand beside it, and `kept` is told where. `apart`: in a process of its own, since the 10 MB of Alembic
    would stay in this one for weeks. What a crash left behind is checked before anything is written. Raises
    errors.DatabaseRefused for a file of another program, of a newer version, one that is damaged or cannot be opened,
    or when there is no room for the copy.
    """
    path = engines.file_of(url)
    if path is not None:
        if not _refuse_foreign(path):
            # SQLite would throw it away at the first sight of a file without content.
            condition.set_wal_aside(path)
        elif engines.wal_bytes(path):
            _refuse_unsound(path)
    engine = engines.writing(url)
    try:
        if (revision := _revision(engine)) == identity.REVISION:
            return False
        if keep and path is not None and revision is not None and _holds_anything(engine):
            kept(_keep_copy(path))
        _run_apart(url) if apart else _run(engine)
    except errors.StoreTrouble as error:
        raise errors.DatabaseRefused(str(error)) from error
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


def revision_of(path: Path) -> str | None:
    """The schema of a file that is not the configured database, None when there is nothing of ours in it.

    Raises errors.DatabaseRefused for a file of another program, of a newer version, one that cannot be opened.
    """
    if not _refuse_foreign(path, "Name another file."):
        return None
    with closing(engines.connect_read_only(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return None
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found[0]) if found else None


def reading(url: str) -> sa.Engine:
    """A read-only engine on a database of exactly this version's schema.

    Raises errors.NoDatabase when there is none, errors.DatabaseRefused when it is another version's.
    """
    path = engines.file_of(url)
    if path is not None:
        # Without a folder there is no database either, and what to do then is said below.
        with suppress(errors.NoDatabase):
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


def _refuse_foreign(path: Path, remedy: str = _MOVE_AWAY) -> bool:
    """Whether there is a database of ours."""
    if not condition.exists(path):
        return False
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
        raise _unusable(path, error, remedy) from error
    # A database that was saved with .dump has lost the mark.
    ours = application == identity.APPLICATION_ID or (application == 0 and names >= _OURS)
    if names and not ours:
        raise errors.DatabaseRefused(f"{path.absolute()} belongs to another program; nothing was changed. {remedy}")
    unknown = revisions - _known_revisions()
    if unknown:
        raise errors.DatabaseRefused(
            f"{path.absolute()} was written by a newer tunewatch (schema {', '.join(sorted(unknown))}, this version "
            f"knows up to {identity.REVISION}); nothing was changed. Update tunewatch, or "
            f"{remedy[0].lower()}{remedy[1:]}"
        )
    return True


def _refuse_unsound(path: Path) -> None:
    """After a crash; or after a crash and a backup put back beside the log of what was there before."""
    log.info("%s was not closed in an orderly way; checking it", path.absolute())
    try:
        fault = condition.unsound(path)
    except errors.StoreTrouble as error:
        raise errors.DatabaseRefused(str(error)) from error
    if fault:
        raise errors.DatabaseRefused(str(trouble.damaged(path, fault)))


def _holds_anything(engine: sa.Engine) -> bool:
    with engines.for_reads(engine).connect() as connection:
        return bool(connection.execute(sa.text("SELECT EXISTS (SELECT 1 FROM account)")).scalar())


def _keep_copy(path: Path) -> Path:
    """Where a copy of just this state is: made now, or by an upgrade that came to nothing."""
    copy = first = Path(f"{path.absolute()}.before-{identity.REVISION}")
    number = 1
    while os.path.lexists(copy):
        if backup.same(path, copy):
            # Begun again and again, an upgrade must not fill the disk.
            log.info("%s holds %s as it was already", copy, path.absolute())
            return copy
        number += 1
        copy = Path(f"{first}.{number}")
    log.info("an older version made %s; before it is upgraded, a copy is made", path.absolute())
    try:
        made = backup.copy(path, copy)
    except errors.StoreTrouble as error:
        raise errors.DatabaseRefused(
            f"{error} Without this copy nothing is upgraded, and nothing was changed."
        ) from error
    log.info("the database as it was is kept in %s, %s", made.path, plain.megabytes(made.size_bytes))
    return copy


def _known_revisions() -> set[str]:
    return {script.name.split("_")[0] for script in (scripts() / "versions").glob("[0-9]*.py")}


def _unusable(path: Path, error: sqlite3.DatabaseError, remedy: str) -> errors.DatabaseRefused:
    if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_NOTADB:
        return errors.DatabaseRefused(
            f"{path.absolute()} is no database, or its beginning was overwritten; nothing was changed. {remedy}"
        )
    return errors.DatabaseRefused(str(trouble.of(path, error) or f"{path.absolute()} cannot be used: {error}"))


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
            try:
                command.upgrade(settings, "head")
            except sa.exc.DBAPIError as error:
                where = _named(engines.path_of(engine))
                raise errors.DatabaseRefused(
                    f"{where} could not be brought up to date and is as it was: {error.orig}. Please report this."
                ) from error
            if engine.dialect.name == "sqlite":
                _verify(connection)


def _run_apart(url: str) -> None:
    # Not as an argument: the URL of another database may hold a password, and arguments are everybody's to read.
    # With -P the folder that we happen to be in is not searched for a package called `service`.
    command = [sys.executable, "-P", "-m", "service.store.migrate"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0, env=environ
        ) as child:
            assert child.stdin is not None
            assert child.stderr is not None
            # Left open: it closes with our own end, and then the child ends as well. To one that has ended already
            # nothing can be written, and nothing may wait in a buffer to be written later.
            with suppress(BrokenPipeError):
                child.stdin.write(f"{url}\n".encode())
            said = child.stderr.read().decode(errors="replace").strip().splitlines()
    except OSError as error:
        raise errors.DatabaseRefused(
            f"{_named(engines.file_of(url))} could not be brought up to date: {error}."
        ) from error
    if child.returncode == _REFUSED:
        raise errors.DatabaseRefused(said[-1])
    if child.returncode < 0:
        said = [f"the process that does it was killed (signal {-child.returncode}); is there too little memory?"]
    if child.returncode:
        why = (said or ["no reason given"])[-1]
        raise errors.DatabaseRefused(
            f"{_named(engines.file_of(url))} could not be brought up to date and is as it was: {why}"
        )


def _named(path: Path | None) -> object:
    return path.absolute() if path else "The database"


def _verify(connection: sa.Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise errors.DatabaseRefused(
            f"The upgrade would leave {len(broken)} rows without their parents and was taken back; the database "
            "is as it was. Please report this."
        )
    connection.exec_driver_sql(f"PRAGMA application_id = {identity.APPLICATION_ID}")


def _end_with_parent() -> None:
    """Wait until the other end of standard input is closed, by hand or by death, and leave at once."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    _url = sys.stdin.readline().strip()
    # Whoever starts the daemon again must not find the orphan of the last one at work.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        upgrade(_url, keep=False)  # whoever starts us has seen to that
    except errors.TunewatchError as refusal:
        sys.stderr.write(f"{' '.join(str(refusal).split())}\n")
        sys.exit(_REFUSED)
