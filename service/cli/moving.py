"""Commands that take the history elsewhere: export, import."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click

from service import clock, errors
from service.cli import common, output
from service.config import source
from service.rules import plain
from service.store import backup, landing, lease, migrate, views
from service.store import engine as engines
from service.store.moving import dump, formats, incoming

_WRITERS = {"jsonl": formats.write_jsonl, "csv": formats.write_csv, "parquet": formats.write_parquet}
_STDOUT = "-"
_Write = Callable[[BinaryIO, Sequence[views.View]], None]


@click.command(epilog="Example:  tunewatch export --format jsonl history.jsonl")
@click.argument("target", callback=common.not_empty("name a file or a folder."))
@common.config_option
@click.option("--format", "form", type=click.Choice([*_WRITERS, "sqlite"]), required=True, help="What to write.")
@click.option(
    "--view", "names", multiple=True, type=click.Choice([view.name for view in views.ALL]),
    help="Only this one; may be repeated.",
)  # fmt: skip
@common.account_option
def export(target: str, config: str | None, form: str, names: tuple[str, ...], account: str | None) -> None:
    """Write the history to TARGET, which must not be there yet.

    \b
    jsonl    one file; each line is a row of a view, with all its columns
    csv      a folder with a file for each view, for spreadsheets
    parquet  the same in typed columns, for pandas, DuckDB and the like
    sqlite   the database itself, for another tunewatch

    With exactly one --view csv and parquet make one file. `-` stands for standard output, where it is one file. What
    is written is of one moment; the daemon may run meanwhile.
    """
    common.leave_nothing_half_done()
    if form == "sqlite":
        if names or account or target == _STDOUT:
            raise click.UsageError("As sqlite the database is copied whole, to a file: without --view and --account.")
        _refuse_folder(target)
        _copy(Path(target), config)
        return
    chosen = [view for view in views.ALL if not names or view.name in names]
    as_file = form == "jsonl" or len(chosen) == 1
    if as_file:
        _refuse_folder(target)
    if target == _STDOUT and not as_file:
        raise click.UsageError(f"As {form} each view is a file: name a folder, or exactly one --view.")
    if form == "parquet":
        formats.require_parquet()
    with common.desk(config) as desk, dump.opened(desk.engine, account) as history, _landing(target) as place:
        total = sum(history.count(view) for view in chosen)
        with output.progress("exporting", total) as moved:

            def write(file: BinaryIO, what: Iterable[views.View]) -> None:
                for view in what:
                    _WRITERS[form](file, view, _counted(history.portions(view, parsed=form == "jsonl"), moved))

            _fill(place, form, chosen, write, as_file=as_file)
    if target != _STDOUT:
        as_what = "" if as_file else ", in a folder with a file for each"
        click.echo(f"{target}: {plain.count(total, 'row')} of {plain.count(len(chosen), 'view')}{as_what}")


def _refuse_folder(target: str) -> None:
    if target.endswith(os.sep):
        raise click.UsageError(f"{target} would be a folder, and this becomes one file. Name a file.")


def _copy(target: Path, config: str | None) -> None:
    with common.desk(config) as desk:
        path = engines.file_of(desk.url)
    if path is None:
        raise click.ClickException("The database is not a SQLite file; the other formats can be exported.")
    made = backup.copy(path, target)
    click.echo(f"{target}: the whole database, {plain.megabytes(made.size_bytes)}")


def _counted(portions: Iterable[Sequence[Any]], moved: Callable[[int], None]) -> Iterator[Sequence[Any]]:
    for rows in portions:
        yield rows
        moved(len(rows))


def _landing(target: str) -> contextlib.AbstractContextManager[Path | BinaryIO]:
    return _standard_output() if target == _STDOUT else landing.place(Path(target))


def _fill(place: Path | BinaryIO, form: str, chosen: Sequence[views.View], write: _Write, *, as_file: bool) -> None:
    if not isinstance(place, Path):
        write(place, chosen)
    elif as_file:
        with place.open("xb") as file:
            write(file, chosen)
    else:
        place.mkdir()
        for view in chosen:
            with (place / f"{view.name}.{form}").open("xb") as file:
                write(file, [view])


@contextlib.contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    """Raises errors.Permanent when it cannot be written; a reader that has enough ends the program without a word."""
    if not sys.stdout.writable():
        raise errors.Permanent("Standard output is not writable: it was closed. Name a file instead.")
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError as error:
        # Python tries once more at its end to write what is left, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(common.FAILED) from None
        raise errors.Permanent(f"Standard output cannot be written: {error.strerror or error}.") from error


@click.command("import", epilog="Example:  tunewatch import old-host.db")
@click.argument("file", callback=common.not_empty("name the database of another tunewatch."))
@common.config_option
@common.json_option
def import_(file: str, config: str | None, as_json: bool) -> None:
    """Bring the history of FILE, the database of another tunewatch, into the configured one.

    What is there already is not doubled, nobody is told anything, and FILE is not changed: it may be of an older
    version, and in use. The daemon of the configured database has to be stopped meanwhile.
    """
    common.leave_nothing_half_done()
    url, _ = source.reading(config)
    migrate.check(url)
    incoming.check(url, Path(file))
    holder = lease.Lease(url)
    holder.take(clock.SystemClock().now())
    try:
        migrate.upgrade(url)
        with output.progress("importing", incoming.STEPS) as moved:
            counts = incoming.take(url, Path(file), moved)
    finally:
        holder.release()
    if as_json:
        output.as_json(counts)
        return
    told = {name.replace("_", " "): count for name, count in counts.items() if count}
    waiting, updated, filled = (told.pop(name, 0) for name in ("waiting", "jobs updated", "metrics filled"))
    new = ", ".join(f"{name} {count:,}" for name, count in told.items()) or "nothing"
    click.echo(f"New in {Path(str(engines.file_of(url))).absolute()}: {new}.")
    if updated or filled:
        click.echo(f"Known, and now known better: jobs {updated:,}, metrics {filled:,}.")
    if waiting:
        click.echo(
            f"{plain.count(waiting, 'message')} not yet delivered in {file}: only the tunewatch that it belongs to "
            "sends what waits there.",
            err=True,
        )
    if strangers := _unwatched(config):
        click.echo(f"Not in the configuration, so not watched here: {', '.join(strangers)}.", err=True)


def _unwatched(config: str | None) -> list[str]:
    """Accounts of the history that the configuration does not have; none without a configuration."""
    configured = source.account_names(config)
    if configured is None:
        return []
    with common.desk(config) as desk:
        return [plain.line(name, 60) for name in desk.history.names("account") if name not in configured]
