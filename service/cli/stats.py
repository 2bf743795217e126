"""The command that sums up."""

from typing import Any

import click

from service.cli import common, output
from service.cli.output import Column
from service.rules import plain
from service.rules import stats as rules


@click.command(epilog="Example:  tunewatch stats --by month --since 365d")
@common.config_option
@common.account_option
@click.option("--by", "keys", multiple=True, type=click.Choice(rules.KEYS),
              help="A line for each of these; may be repeated.  [default: all three]")  # fmt: skip
@common.since_option("jobs created")
@common.until_option
@common.form_options
def stats(
    config: str | None, account: str | None, keys: tuple[str, ...], since: str | None, until: str | None,
    form: str | None,
) -> None:  # fmt: skip
    """How many jobs succeed, how long they wait and run, what they cost: by month, model and account.

    The success rate leaves out cancelled jobs; times are medians; the cost is an estimate by your [prices].
    """
    prices = common.prices(config)
    by = [key for key in rules.KEYS if key in keys] or list(rules.KEYS)
    with common.desk(config) as desk:
        chosen: dict[str, Any] = {
            "account": account,
            "since": common.moment("--since", since, desk.zone), "until": common.moment("--until", until, desk.zone),
        }  # fmt: skip
        rows = rules.summed(desk.history.each_job(**chosen), by, zone=desk.zone, prices=prices)
        empty = "" if rows else common.nothing(desk, "jobs", **chosen)
    columns = [
        *(Column(key.upper(), key, flexible=key == "model") for key in by),
        Column("JOBS", lambda row: output.number(row["jobs"])),
        Column("OK", lambda row: None if row["success_rate"] is None else f"{row['success_rate']:.0%}"),
        Column("QUEUED", lambda row: output.lasted(row["median_queued_seconds"])),
        Column("RAN", lambda row: output.lasted(row["median_running_seconds"])),
        Column("TOKENS", lambda row: output.number(row["trained_tokens"])),
        *([Column("COST", _cost)] if prices else []),
    ]
    output.listing(rows, columns, form=form, fields=[*by, *rules.FIELDS], empty=empty)
    unpriced = sum(row["jobs_without_price"] for row in rows)
    if prices and unpriced and not form:
        click.echo(f"No price fits {plain.count(unpriced, 'job')} that succeeded: not in COST.", err=True)


def _cost(row: output.Row) -> str | None:
    return ", ".join(f"{amount:,.2f} {currency}" for currency, amount in (row["cost"] or {}).items()) or None
