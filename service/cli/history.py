"""Commands that ask what happened: history, events, deliveries. They never touch the network."""

import click

from service.cli import common, output
from service.cli.output import Column
from service.rules import plain
from service.store import views

_FOLLOW_SECONDS = 1
_FEW = 20


@click.command(epilog="Example:  tunewatch history --since 7d --csv > week.csv")
@click.argument("job", required=False, callback=common.not_empty("name a job, or leave it out for all."))
@common.config_option
@common.account_option
@common.since_option("changes seen")
@click.option(
    "--limit", type=click.IntRange(1, common.MOST), help=f"How many at the most.  [default: {_FEW}; with --since all]"
)
@click.option("--follow", is_flag=True, help="Then go on with those to come, until Ctrl-C; oldest first, as tail does.")
@common.form_options
def history(
    job: str | None, config: str | None, account: str | None, since: str | None, limit: int | None, follow: bool,
    form: str | None,
) -> None:  # fmt: skip
    """Status changes, newest first: of all jobs, or of one JOB."""
    with common.desk(config) as desk:
        found = desk.history.job(job, account) if job else None
        start = common.moment("--since", since, desk.zone)
        last = desk.history.last_change() if follow else 0
        most = limit or (None if since else _FEW)
        rows = desk.history.history(job=found, account=account, since=start, limit=most)
        if follow:
            # One that came in between is told with those to come.
            _follow([row for row in rows[::-1] if row["change_id"] <= last], last, found, account, desk, form)
            return
        empty = "" if rows else common.nothing(desk, "status changes", job=job, account=account, since=since)
    several = len({row["account"] for row in rows}) > 1
    columns = [
        *([Column("ACCOUNT", "account")] if several else []),
        Column("OBSERVED", lambda row: output.local(row["observed_at"], desk.zone)),
        Column("JOB", "job_id"),
        Column("FROM", lambda row: row["from_status"] or "(first seen)"),
        Column("TO", "to_status"),
    ]
    output.listing(rows, columns, form=form, fields=views.fields(views.HISTORY), empty=empty)
    common.say_if_more(len(rows), None if since else _FEW)


def _follow(
    rows: list[output.Row], last: int, job: output.Row | None, account: str | None, desk: common.Desk, form: str | None
) -> None:
    """One line per change; with --json one object per line."""
    stop = common.stop_on_signals()
    say = output.lines(form, views.fields(views.HISTORY), lambda row: _line(row, desk))
    while True:
        for row in rows:
            say(row)
        if stop.wait(_FOLLOW_SECONDS):
            return
        rows = desk.history.later(last, job=job, account=account)
        last = max([last, *(row["change_id"] for row in rows)])


def _line(row: output.Row, desk: common.Desk) -> str:
    at = output.local(row["observed_at"], desk.zone)
    return plain.line(f"{at} {row['job_id']} {row['from_status'] or '(first seen)'} → {row['to_status']}", 400)


@click.command(epilog="Example:  tunewatch events ftjob-8c2f --limit 100")
@common.job_argument
@common.config_option
@common.account_option
@common.since_option("events")
@click.option(
    "--limit", type=click.IntRange(1, common.MOST), help=f"How many at the most.  [default: {_FEW}; with --since all]"
)
@common.form_options
def events(
    job: str, config: str | None, account: str | None, since: str | None, limit: int | None, form: str | None
) -> None:
    """The newest events of one JOB, in the order they happened."""
    with common.desk(config) as desk:
        found = desk.history.job(job, account)
        start = common.moment("--since", since, desk.zone)
        rows = desk.history.events(job=found, since=start, limit=limit or (None if since else _FEW))
    columns = [
        Column("AT", lambda row: output.local(row["created_at"], desk.zone)),
        Column("LEVEL", "level"),
        Column("EVENT", "message", flexible=True),
    ]
    because = "" if found["course_read_at"] else ", because they were not read yet"
    empty = f"No events of this job{' since then' if since else ''} are recorded{because}."
    output.listing(rows, columns, form=form, fields=views.fields(views.EVENTS), empty=empty)
    common.say_if_more(len(rows), None if since else _FEW)


@click.command(epilog="Example:  tunewatch deliveries --failed")
@common.config_option
@click.option("--failed", is_flag=True, help="Only those that were given up.")
@click.option("--waiting", is_flag=True, help="Only those still to be delivered.")
@common.limit_option(_FEW)
@common.form_options
def deliveries(config: str | None, failed: bool, waiting: bool, limit: int, form: str | None) -> None:
    """Which notice went where, newest first."""
    states = [*(["failed"] if failed else []), *(["pending", "sending"] if waiting else [])]
    with common.desk(config) as desk:
        rows = desk.history.deliveries(limit=limit, states=states)
    columns = [
        Column("AT", lambda row: output.local(row["sent_at"] or row["created_at"], desk.zone)),
        Column("ID", "notice_id"),
        Column("NOTICE", "kind"),
        *([Column("STATE", "state")] if len(states) != 1 else []),
        Column("ABOUT", lambda row: row["job_id"] or row["account"] or "the watch", flexible=True),
        # Beside a reason there is no room for the whole name of a destination; --json has it.
        Column("TO", "channel") if failed
        else Column("TO", lambda row: f"{row['channel']} ({row['destination']})", flexible=True),
        *([Column("REASON", "last_error", flexible=True)] if any(row["last_error"] for row in rows) else []),
    ]  # fmt: skip
    output.listing(rows, columns, form=form, fields=views.fields(views.NOTICES), empty="No such deliveries.")
    common.say_if_more(len(rows), limit)
