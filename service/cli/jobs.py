"""The command that lists jobs."""

import sys
from collections.abc import Callable
from typing import Any

import click

from service import clock, model
from service.cli import common, output
from service.cli.output import Column
from service.rules import plain
from service.store import lease, reading, views

_STATES = [state.value for state in model.State]
_EVERY_SECONDS = 2
# By these only jobs are sorted that have them.
_SOME_LACK = {"finished": "an end that is", "tokens": "tokens that are"}


@click.command(epilog="Example:  tunewatch jobs --state failed --since 30d --metadata team=search --sort finished")
@common.config_option
@common.account_option
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only these; may be repeated.")
@click.option("--model", metavar="PATTERN", help="Only jobs on this base model; * stands for any characters.")
@click.option("--suffix", metavar="PATTERN", help="Only jobs of this suffix; * stands for any characters.")
@click.option("--metadata", metavar="KEY=VALUE", multiple=True, help="Only jobs with this; may be repeated.")
@common.since_option("jobs created")
@common.until_option
@click.option("--sort", type=click.Choice(list(reading.SORTS)), default="created", show_default=True,
              help="The latest first, or the most tokens.")  # fmt: skip
@click.option("--reverse", is_flag=True, help="The other way round.")
@common.limit_option(10)
@click.option(
    "--page", type=click.IntRange(1, common.MOST), default=1, help="The second page are the next jobs after the limit."
)
@click.option("--watch", is_flag=True, help="Draw the table anew every two seconds, until Ctrl-C.")
@common.form_options
def jobs(
    config: str | None, account: str | None, states: tuple[str, ...], model: str | None, suffix: str | None,
    metadata: tuple[str, ...], since: str | None, until: str | None, sort: str, reverse: bool, limit: int, page: int,
    watch: bool, form: str | None,
) -> None:  # fmt: skip
    """The newest jobs, as last seen."""
    with common.desk(config) as desk:
        chosen: dict[str, Any] = {
            "account": account, "states": states, "model": model, "suffix": suffix, "metadata": _pairs(metadata),
            "since": common.moment("--since", since, desk.zone), "until": common.moment("--until", until, desk.zone),
        }  # fmt: skip

        def found() -> list[output.Row]:
            return desk.history.jobs(limit=limit, page=page, sort=sort, ascending=reverse, **chosen)

        if watch:
            _watch(found, desk, sort, form)
            return
        rows = found()
        empty = "" if rows else _nothing(chosen, sort, page, desk)
        unwatched = form is None and sys.stdout.isatty() and _seen_last(rows, desk)
    output.listing(rows, columns(rows, desk, sort), form=form, fields=views.fields(views.SUMMARY), empty=empty)
    common.say_if_more(len(rows), limit)
    if unwatched:
        click.echo(f"Nobody watches now: these are as of {unwatched}.", err=True)


def _seen_last(rows: list[output.Row], desk: common.Desk) -> str | None:
    """When somebody last looked, if nobody does now and a job that is shown may have gone on since."""
    open_in = {row["account"] for row in rows if not model.State(row["state"]).ended}
    if not open_in or lease.held(desk.url):
        return None
    seen = [row["last_good_at"] for row in desk.history.accounts() if row["name"] in open_in and row["last_good_at"]]
    return output.local(min(seen), desk.zone) if seen else None


def columns(rows: list[output.Row], desk: common.Desk, sort: str = "created") -> list[Column]:
    """Those of a table of jobs."""
    when = {"created": "created_at", "finished": "finished_at", "changed": "last_changed_at"}.get(sort, "created_at")
    several = len({row["account"] for row in rows}) > 1
    return [
        *([Column("ACCOUNT", "account")] if several else []),
        Column("JOB", "job_id"),
        Column("STATE", "state"),
        Column(when.removesuffix("_at").removeprefix("last_").upper(), lambda row: output.local(row[when], desk.zone)),
        Column("RAN", lambda row: output.lasted(row["running_seconds"])),
        *([Column("TOKENS", lambda row: output.number(row["trained_tokens"]))] if sort == "tokens" else []),
        Column("NAME", lambda row: row["suffix"] or row["model"], flexible=True),
    ]


def _pairs(metadata: tuple[str, ...]) -> dict[str, str]:
    for pair in metadata:
        if not pair.partition("=")[0] or "=" not in pair:
            raise click.BadParameter(
                f"{plain.line(pair, 60)!r} is no KEY=VALUE: write for example team=search.", param_hint="'--metadata'"
            )
    return {key: value for key, _, value in (pair.partition("=") for pair in metadata)}


def _nothing(chosen: dict[str, Any], sort: str, page: int, desk: common.Desk) -> str:
    """Why the page is empty."""
    if page > 1 and desk.history.jobs(limit=1, sort=sort, **chosen):
        return f"Page {page} is empty: there are fewer of these jobs."
    if sort in _SOME_LACK and desk.history.jobs(limit=1, **chosen):
        return f"None of these jobs has {_SOME_LACK[sort]} known; --sort created shows them all."
    return common.nothing(desk, "jobs", **chosen)


def _watch(found: Callable[[], list[output.Row]], desk: common.Desk, sort: str, form: str | None) -> None:
    if form or not sys.stdout.isatty():
        raise click.UsageError("--watch draws on a terminal: leave out --json and --csv, and do not redirect it.")
    # Rich takes a third of a command's start; here it draws in any case.
    from rich import console, live, text  # noqa: PLC0415

    stop = common.stop_on_signals()
    with live.Live(auto_refresh=False, vertical_overflow="crop") as screen:
        while not stop.is_set():
            rows = found()
            at = clock.SystemClock().now().astimezone(desk.zone)
            head = text.Text(f"{at:%H:%M:%S}  every {_EVERY_SECONDS} s, Ctrl-C ends", style="dim")
            screen.update(console.Group(head, output.table(rows, columns(rows, desk, sort), screen.console.width)))
            screen.refresh()
            stop.wait(_EVERY_SECONDS)
