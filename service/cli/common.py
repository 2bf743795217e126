"""What the commands share: options, exit codes, access to the history."""

import contextlib
import dataclasses
import signal
import threading
import zoneinfo
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, TypeVar

import click

from service import clock, errors, model
from service.cli import logs
from service.config import source
from service.rules import cost, plain
from service.store import backup, migrate, reading
from service.store import engine as engines

if TYPE_CHECKING:
    from service.config import schema

# More than there can be of anything.
MOST = 1_000_000_000
FAILED = 1
MISUSED = 2
UNAVAILABLE = 69
BUSY = 75
MISCONFIGURED = 78

_Command = TypeVar("_Command", bound=Callable[..., Any])

config_option = click.option(
    "--config", metavar="FILE", help="The configuration [default: $TUNEWATCH_CONFIG, ./config.toml, /etc/tunewatch/…]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def form_options(command: _Command) -> _Command:
    """`form`: `text` for people; `json` or `csv` for programs, with the fields of docs/reading-the-database.md."""
    as_json = click.option("--json", "form", flag_value="json", help="Print JSON instead of text.")
    as_csv = click.option("--csv", "form", flag_value="csv", help="Print CSV instead of text.")
    return as_json(as_csv(command))


def not_empty(remedy: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """What is empty is a variable that was not set, and must not stand for all accounts or the folder we are in."""

    def check(_context: click.Context, _parameter: click.Parameter, given: str | None) -> str | None:
        if given is not None and not given.strip():
            raise click.BadParameter(f"is empty: {remedy}")
        return given

    return check


account_option = click.option(
    "--account", metavar="NAME", callback=not_empty("name an account, or leave it out for all of them."),
    help="Only what belongs to this account.",
)  # fmt: skip


job_argument = click.argument("job", callback=not_empty("name a job."))


def limit_option(default: int) -> Callable[[_Command], _Command]:
    """How many rows at the most."""
    return click.option(
        "--limit", type=click.IntRange(1, MOST), default=default, show_default=True, help="How many at the most."
    )


def _log_options(default_level: str) -> Callable[[_Command], _Command]:
    form = click.option("--log-format", type=click.Choice(logs.FORMATS), default="human", show_default=True)
    level = click.option("--log-level", type=click.Choice(logs.LEVELS), default=default_level, show_default=True)
    return lambda command: form(level(command))


log_options = _log_options("info")
# For what runs from a crontab: the summary on standard output says what was done.
quiet_log_options = _log_options("error")
# For what takes its time, and waits in silence when something is wrong.
wary_log_options = _log_options("warning")


def say_if_more(shown: int, limit: int | None) -> None:
    """That a list may be cut short, to who did not ask for so many. `limit`: None for a list that is whole."""
    source_of = click.get_current_context().get_parameter_source("limit")
    if shown == limit and source_of is click.core.ParameterSource.DEFAULT:
        click.echo(f"These are {limit}; there may be more: --limit shows them.", err=True)


until_option = click.option("--until", metavar="TIME", help="Only jobs created before then.")


def since_option(what: str) -> Callable[[_Command], _Command]:
    """A time as `moment` reads it."""
    return click.option("--since", metavar="TIME", help=f"Only {what} since then: 7d, 2026-11-01, 2026-11-01T09:30.")


def moment(option: str, text: str | None, zone: tzinfo) -> datetime | None:
    """What was given to an option that takes a time, such as `--since`. Raises click.BadParameter."""
    try:
        return clock.to_moment(text, clock.SystemClock().now(), zone) if text else None
    except ValueError as error:
        raise click.BadParameter(f"{plain.line(text, 60)!r} {error}.", param_hint=f"'{option}'") from None


def exit_code(error: errors.TunewatchError) -> int:
    """The documented exit code for an error of ours."""
    if isinstance(error, errors.Configuration):
        return MISCONFIGURED
    if isinstance(error, errors.WrongStatement):
        return MISUSED
    if isinstance(error, errors.AlreadyRunning):
        return BUSY
    if isinstance(error, errors.Transient | errors.Refused):
        return UNAVAILABLE
    return FAILED


def leave_nothing_half_done() -> None:
    """SIGTERM and a terminal that is closed end the command as Ctrl-C does: with what it began taken away."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup, for one, has it ignored
            signal.signal(number, signal.default_int_handler)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and Ctrl-C set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A reading command's view of the world. `engine` cannot write."""

    engine: engines.Engine
    history: reading.Reading
    zone: tzinfo
    url: str


@contextlib.contextmanager
def desk(config: str | None) -> Iterator[Desk]:
    """The history, opened for reading only."""
    url, zone = source.reading(config)
    engine = migrate.reading(url)
    try:
        yield Desk(engine=engine, history=reading.Reading(engine), zone=_zone(zone), url=url)
    except OSError:
        raise
    except ValueError as error:
        # Such as a time that is none.
        if path := engines.file_of(url):
            raise engines.unreadable(path, error) from error
        raise
    finally:
        engine.dispose()


def nothing(desk: Desk, what: str, **chosen: Any) -> str:
    """That nothing fits what was chosen, and which accounts, models and suffixes there are in its place."""
    if not any(chosen.values()):
        return f"No {what} recorded yet."
    lines = [f"No such {what} are recorded."]
    for column in ("account", "model", "suffix"):
        wanted = chosen.get(column)
        if wanted and (names := desk.history.names(column)) and wanted not in names:
            shown = ", ".join(plain.line(name, 80) for name in names[:20])
            lines.append(f"Of {column} there are: {shown}{', …' if len(names) > 20 else ''}")
    return "\n".join(lines)


def _zone(name: str) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # Whether the name is right is for `check` and `run` to say; the history can be read without.
        return zoneinfo.ZoneInfo("UTC")


def metrics_of(rows: Iterable[dict[str, Any]]) -> list[model.Metric]:
    """Rows of job_metrics as the rules of training take them."""
    names = [field.name for field in dataclasses.fields(model.Metric)]
    return [model.Metric(**{name: row[name] for name in names}) for row in rows]


def prices(config: str | None) -> dict[str, cost.Price]:
    """The owner's prices, if there are any."""
    path = source.find_any(config)
    if path is None or not source.parse(path).get("prices"):
        return {}
    # Brings pydantic, which takes as long as all the rest of a command.
    from service.config import load  # noqa: PLC0415

    return {pattern: cost.Price(**price.model_dump()) for pattern, price in load.prices(path).items()}


def warnings(settings: "schema.Settings", config: str | None) -> list[str]:
    """What is allowed and yet probably not meant."""
    # Brings pydantic, which reading commands do without.
    from service.config import load  # noqa: PLC0415

    found = []
    if not settings.channels:
        found.append("There is no [[channels]]: nobody will be told anything; the history is kept all the same.")
    _, reserved = load.split_reserved(source.parse(source.find(config)))
    found += _of_backups(settings.database)
    found += [f"{name} is meant for a later version and has no effect yet." for name in reserved]
    fallbacks = {each.fallback for each in settings.channels}
    found += [
        f"Channel {each.name} asks for nothing: `on` is empty."
        for each in settings.channels
        if not each.on and not each.digest and each.name not in fallbacks
    ]
    accounts = {account.name for account in settings.accounts}
    for channel in settings.channels:
        strangers = [name for name in channel.accounts if not set("*?[") & set(name) and name not in accounts]
        found += [f"Channel {channel.name} waits for an account {name!r}, and there is none." for name in strangers]
    return found


def _of_backups(database: "schema.Database") -> list[str]:
    if database.backup is None:
        return []
    if engines.file_of(database.url) is None:
        return ["[database] backup has no effect: only a SQLite file is copied."]
    if not backup.is_folder(database.backup):
        return [f"There is no folder {database.backup.absolute()} for backups: make it, or mend [database] backup."]
    return []
