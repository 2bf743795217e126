"""Commands for the care of the database: db."""

import contextlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click

from service import clock, errors
from service.cli import common, output
from service.config import source
from service.rules import backups, plain
from service.store import backup as backing
from service.store import checkup, engine, lease, migrate, pruning, shelf

_LEAST_AGE = timedelta(days=1)


@click.group(epilog="Example:  tunewatch db backup /var/backups")
def db() -> None:
    """The database: where it is, backups of it, whether it is whole, and bringing it up to date."""


def _file(url: str) -> Path:
    file = engine.file_of(url)
    if file is None:
        raise click.ClickException("The database is not a SQLite file.")
    return file


@db.command(epilog='Example:  sqlite3 -readonly "$(tunewatch db path)"')
@common.config_option
def path(config: str | None) -> None:
    """Where the database is."""
    url, _ = source.reading(config)
    click.echo(_file(url).absolute())


@db.command(epilog="Example:  tunewatch db upgrade")
@common.config_option
def upgrade(config: str | None) -> None:
    """Make the database, or bring it to this version's schema; `run` and `poll` do so by themselves.

    Before that, a copy of what an older version made is kept beside it.
    """
    url, _ = source.reading(config)
    migrate.check(url)
    copies: list[Path] = []
    with _lease(url):
        done = migrate.upgrade(url, kept=copies.append)
    click.echo("brought up to date" if done else "is up to date")
    for copy in copies:
        click.echo(f"as it was before: {copy}")


@db.command(epilog="Example:  tunewatch db backup /var/backups")
@click.argument("target", metavar="PATH", callback=common.not_empty("name a file or a folder."))
@common.config_option
def backup(target: str, config: str | None) -> None:
    """Copy the database to a file, whole and verified, while the daemon runs.

    PATH is a file that is not there yet, or a folder; in a folder it is named by the time.
    """
    common.leave_nothing_half_done()
    url, _ = source.reading(config)
    database = _file(url)
    migrate.check(url)
    place = Path(target)
    if backing.is_folder(place) or target.endswith(os.sep):
        name = backups.name(clock.SystemClock().now())
        made = backing.Attic(database, place).make(name)
    else:
        made = backing.copy(database, place)
    click.echo(f"{made.path}: {plain.megabytes(made.size_bytes)}, verified")


@db.command(epilog="Example:  tunewatch db check && echo whole")
@common.config_option
@common.json_option
def check(config: str | None, as_json: bool) -> None:
    """Read the whole database and tell whether all of it fits together; changes nothing, while the daemon runs."""
    url, _ = source.reading(config)
    found = []
    for each in checkup.checks(url, _file(url)):
        found.append(each)
        if not as_json:
            words = plain.line(each.problem or each.note or "fine", 1000)
            click.echo(f"{'FAIL' if each.problem else 'ok':<5} {each.part}: {words}")
    whole = not any(each.problem for each in found)
    if as_json:
        rows = [{"part": each.part, "problem": each.problem, "note": each.note} for each in found]
        output.as_json({"whole": whole, "checks": rows})
    if not whole:
        raise SystemExit(common.FAILED)


def _age(_context: click.Context, _option: click.Parameter, text: str | None) -> timedelta | None:
    """An age of at least a day: the events of jobs that ended just now are still being read."""
    if text is None:
        return None
    try:
        age = clock.to_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"{plain.line(text, 60)!r} {error}.") from None
    if age < _LEAST_AGE:
        raise click.BadParameter(f"{text} is too short: write at least 1d.")
    return age


@db.command(epilog="Example:  tunewatch db prune --events-older-than 90d --raw-older-than 90d")
@common.config_option
@click.option("--events-older-than", metavar="AGE", callback=_age, help="Remove older events of ended jobs: 180d.")
@click.option("--raw-older-than", metavar="AGE", callback=_age, help="Empty older payloads of changes, checkpoints.")
def prune(config: str | None, events_older_than: timedelta | None, raw_older_than: timedelta | None) -> None:
    """Forget the bulk of what is old, and make the file smaller if no daemon runs.

    Jobs with their last payload, status changes, metrics, checkpoints and notices stay.
    """
    if events_older_than is None and raw_older_than is None:
        raise click.UsageError("Say what may go: --events-older-than AGE, --raw-older-than AGE, or both.")
    url, _ = source.reading(config)
    database = _file(url)
    # Of this version, or refused.
    migrate.reading(url).dispose()
    before = pruning.size_bytes(database)
    holder: errors.AlreadyRunning | None = None
    trouble: errors.StoreTrouble | None = None
    with contextlib.ExitStack() as alone:
        try:
            alone.enter_context(_lease(url))
        except errors.AlreadyRunning as error:
            holder = error
        _forget(url, events_older_than, raw_older_than)
        if holder is None:
            try:
                pruning.give_back(database)
            except errors.StoreTrouble as error:
                trouble = error
    after = pruning.size_bytes(database)
    click.echo(f"{database.absolute()}: {plain.megabytes(before)} before, {plain.megabytes(after)} now")
    if holder is not None:
        click.echo(
            f"{plain.megabytes(pruning.unused_bytes(database))} in it are free and will be used again. To make the "
            "file smaller, stop the daemon and call this again."
        )
    if trouble is not None:
        raise trouble


def _forget(url: str, events_older_than: timedelta | None, raw_older_than: timedelta | None) -> None:
    now = clock.SystemClock().now()
    writing = engine.writing(url)
    try:
        if events_older_than is not None:
            removed = shelf.Shelf(writing).forget_events(now - events_older_than)
            click.echo(f"{plain.count(removed, 'event')} removed")
        if raw_older_than is not None:
            done = pruning.forget_raws(writing, now - raw_older_than)
            click.echo(
                f"payloads of {plain.count(done.changes, 'status change')} and "
                f"{plain.count(done.checkpoints, 'checkpoint')} emptied, "
                f"{plain.count(done.unreadable, 'unreadable object')} removed"
            )
    finally:
        writing.dispose()


@contextlib.contextmanager
def _lease(url: str) -> Iterator[None]:
    """The right to the database, alone, while the block runs. Raises errors.AlreadyRunning."""
    holder = lease.Lease(url)
    holder.take(clock.SystemClock().now())
    try:
        yield
    finally:
        holder.release()
