"""Commands that ask the history: jobs, show, history, events, deliveries. They never touch the network."""

from typing import Any

import click

from service import model
from service.cli import common, output
from service.cli.output import Column
from service.rules import plain

_STATES = [state.value for state in model.State]


@click.command(epilog="Example:  tunewatch jobs --state running --state pending")
@common.config_option
@common.account_option
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only these; may be repeated.")
@common.limit_option(10)
@common.json_option
def jobs(config: str | None, account: str | None, states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """The newest jobs, as last seen."""
    with common.desk(config) as desk:
        rows = desk.history.jobs(limit=limit, account=account, states=states)
    if as_json:
        output.as_json(rows)
        return
    for row in rows:
        row["created"] = output.local(row["created_at"], desk.zone)
        row["ran"] = output.lasted(row["running_seconds"])
        row["name"] = row["suffix"] or row["model"]
    several = len({row["account"] for row in rows}) > 1
    columns = [
        *([Column("ACCOUNT", "account")] if several else []),
        Column("JOB", "job_id"),
        Column("STATE", "state"),
        Column("CREATED", "created"),
        Column("RAN", "ran"),
        Column("NAME", "name", flexible=True),
    ]
    output.as_table(rows, columns, empty="No such jobs are recorded." if account or states else "No jobs recorded yet.")


@click.command(epilog="Example:  tunewatch show ftjob-8c2f  (the beginning of an id will do)")
@click.argument("job")
@common.config_option
@common.account_option
@common.json_option
def show(job: str, config: str | None, account: str | None, as_json: bool) -> None:
    """All that is known of one JOB: its id, the beginning of it, or the tuned model's name."""
    with common.desk(config) as desk:
        found = desk.history.job(job, account)
        history = desk.history.history(job=found, limit=100)[::-1]
        checkpoints = desk.history.checkpoints(found)
        events = desk.history.events(job=found, limit=5)
        deliveries = desk.history.deliveries(job=found, limit=100)[::-1]
        raw = desk.history.raw(found) if as_json else None
    if as_json:
        parts = {"history": history, "checkpoints": checkpoints, "deliveries": deliveries, "raw": raw}
        output.as_json({**found, **parts})
        return
    output.as_fields(_fields(found, desk))
    _section("Status", [f"{_at(row, 'observed_at', desk)}  {row['to_status']}" for row in history])
    _section("Checkpoints", [f"step {row['step']}: {row['model']}" for row in checkpoints])
    _section("Last events", [f"{_at(row, 'created_at', desk)}  {row['message']}" for row in events])
    _section("Notices", [
        f"{row['kind']} to {row['channel']} ({row['destination']}): {row['state']}"
        + (f" {_at(row, 'sent_at', desk)}" if row["sent_at"] else f", {row['last_error'] or 'not yet tried'}")
        for row in deliveries
    ])  # fmt: skip


def _fields(row: output.Row, desk: common.Desk) -> list[tuple[str, object]]:
    state = row["state"] if row["state"] == row["status"] else f"{row['state']} (provider's word: {row['status']})"
    return [
        ("Job", row["job_id"]), ("Account", row["account"]), ("State", state),
        ("Gone", row["gone_at"] and f"no longer at the provider since {output.local(row['gone_at'], desk.zone)}"),
        ("Tuned model", row["fine_tuned_model"]), ("Base model", row["model"]), ("Name", row["suffix"]),
        ("Error", row["error_code"]), ("Reason", row["error_message"]), ("Parameter", row["error_param"]),
        ("Method", row["method"]), ("Settings", _pairs(row["hyperparameters"])), ("Metadata", _pairs(row["metadata"])),
        ("Created", output.local(row["created_at"], desk.zone)),
        ("Started", output.local(row["started_at"], desk.zone)),
        ("Ended", output.local(row["finished_at"], desk.zone)),
        ("Queued", output.lasted(row["queued_seconds"])), ("Ran", output.lasted(row["running_seconds"])),
        ("Trained tokens", f"{row['trained_tokens']:,}" if row["trained_tokens"] else None),
        ("Training loss", _loss(row["train_loss"])), ("Validation loss", _loss(row["valid_loss"])),
        ("Reward", _loss(row["reward"])),
        ("Training file", row["training_file"]), ("Validation file", row["validation_file"]),
    ]  # fmt: skip


def _pairs(values: dict[str, Any] | None) -> str:
    return ", ".join(f"{name} {value}" for name, value in (values or {}).items())


def _loss(value: float | None) -> str | None:
    return f"{value:.4g}" if value is not None else None


def _at(row: output.Row, key: str, desk: common.Desk) -> str:
    return output.local(row[key], desk.zone) or "–"


def _section(heading: str, lines: list[str]) -> None:
    if lines:
        click.echo(f"\n{heading}")
        for line in lines:
            click.echo(f"  {plain.line(line, 300)}")


@click.command(epilog="Example:  tunewatch history --limit 50 --json")
@click.argument("job", required=False)
@common.config_option
@common.account_option
@common.limit_option(20)
@common.json_option
def history(job: str | None, config: str | None, account: str | None, limit: int, as_json: bool) -> None:
    """Status changes, newest first: of all jobs, or of one JOB."""
    with common.desk(config) as desk:
        found = desk.history.job(job, account) if job else None
        rows = desk.history.history(job=found, account=account, limit=limit)
    if as_json:
        output.as_json(rows)
        return
    for row in rows:
        row["observed"] = output.local(row["observed_at"], desk.zone)
        row["before"] = row["from_status"] or "(first seen)"
    columns = [
        Column("OBSERVED", "observed"),
        Column("JOB", "job_id"),
        Column("FROM", "before"),
        Column("TO", "to_status"),
    ]
    output.as_table(rows, columns, empty="No status changes recorded yet.")


@click.command(epilog="Example:  tunewatch events ftjob-8c2f --limit 100")
@click.argument("job")
@common.config_option
@common.account_option
@common.limit_option(20)
@common.json_option
def events(job: str, config: str | None, account: str | None, limit: int, as_json: bool) -> None:
    """The newest events of one JOB, in the order they happened."""
    with common.desk(config) as desk:
        rows = desk.history.events(job=desk.history.job(job, account), limit=limit)
    if as_json:
        output.as_json(rows)
        return
    for row in rows:
        row["at"] = output.local(row["created_at"], desk.zone)
    columns = [
        Column("AT", "at"),
        Column("LEVEL", "level"),
        Column("EVENT", "message", flexible=True),
    ]
    output.as_table(rows, columns, empty="No events recorded for this job: they are read when its status changes.")


@click.command(epilog="Example:  tunewatch deliveries --failed")
@common.config_option
@click.option("--failed", is_flag=True, help="Only those that were given up.")
@click.option("--waiting", is_flag=True, help="Only those still to be delivered.")
@common.limit_option(20)
@common.json_option
def deliveries(config: str | None, failed: bool, waiting: bool, limit: int, as_json: bool) -> None:
    """Which notice went where, newest first."""
    states = [*(["failed"] if failed else []), *(["pending", "sending"] if waiting else [])]
    with common.desk(config) as desk:
        rows = desk.history.deliveries(limit=limit, states=states)
    if as_json:
        output.as_json(rows)
        return
    for row in rows:
        row["told"] = output.local(row["sent_at"] or row["created_at"], desk.zone)
        row["about"] = row["job_id"] or row["account"] or "the watch"
        # Beside a reason there is no room for the whole name of a destination; --json has it.
        row["to"] = row["channel"] if failed else f"{row['channel']} ({row['destination']})"
        row["why"] = row["last_error"] or ""
    columns = [
        Column("AT", "told"),
        Column("ID", "notice_id"),
        Column("NOTICE", "kind"),
        *([Column("STATE", "state")] if len(states) != 1 else []),
        Column("ABOUT", "about", flexible=True),
        Column("TO", "to", flexible=not failed),
        *([Column("REASON", "why", flexible=True)] if any(row["why"] for row in rows) else []),
    ]
    output.as_table(rows, columns, empty="No such deliveries.")
