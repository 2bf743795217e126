"""Commands about what was measured: metrics of one job, and several jobs compared."""

import shutil
from functools import partial
from typing import Any, NamedTuple

import click

from service.cli import common, curve, output
from service.cli.output import Column
from service.rules import plain, stats, training
from service.store import views

_FEW = 20
_JOB = (
    "account", "state", "created_at", "model", "fine_tuned_model", "suffix", "method", "training_file",
    "validation_file", "seed",
)  # fmt: skip
_WORDS = {
    "created_at": "created", "fine_tuned_model": "tuned model", "queued_seconds": "queued", "running_seconds": "ran",
}  # fmt: skip
# Short enough that all of them fit a terminal of 80 columns.
_HEADINGS = {
    "train_loss": "LOSS", "train_accuracy": "ACCURACY", "valid_loss": "VALID LOSS", "valid_accuracy": "VALID ACC",
    "full_valid_loss": "FULL LOSS", "full_valid_accuracy": "FULL ACC", "reward": "REWARD",
    "valid_reward": "VALID REW",
}  # fmt: skip
_VALUES = [name for name in views.fields(views.METRICS) if name not in ("account", "job_id", "step")]


@click.command(epilog="Example:  tunewatch metrics ftjob-8c2f --csv > curve.csv")
@common.job_argument
@common.config_option
@common.account_option
@click.option(
    "--limit",
    type=click.IntRange(1, common.MOST),
    help=f"The last so many steps.  [default: {_FEW}, in --json and --csv all]",
)
@common.form_options
def metrics(job: str, config: str | None, account: str | None, limit: int | None, form: str | None) -> None:
    """What was measured of one JOB, step by step, with the curve."""
    with common.desk(config) as desk:
        rows = desk.history.metrics(desk.history.job(job, account))
    shown = rows[-(limit or _FEW) :] if limit or not form else rows
    if not form:
        for line in curve.of_metrics(rows, shutil.get_terminal_size().columns):
            click.echo(line)
        if rows:
            click.echo()
    measured = [name for name in _VALUES if any(row[name] is not None for row in rows)]
    columns = [Column("STEP", "step"), *(Column(_HEADINGS[name], partial(_measure, name)) for name in measured)]
    output.listing(
        shown, columns, form=form, fields=views.fields(views.METRICS), empty="Nothing was measured of this job, yet.",
    )  # fmt: skip
    if len(shown) < len(rows) and not form:
        click.echo(
            f"{plain.count(len(rows) - len(shown), 'step')} before: --limit shows more, --csv has all.", err=True
        )


def _measure(name: str, row: output.Row) -> str | None:
    return output.measure(row[name])


@click.command(epilog="Example:  tunewatch compare ftjob-8c2f ftjob-91aa")
@click.argument("jobs", nargs=-1, required=True, metavar="JOB JOB...")
@common.config_option
@common.account_option
@common.form_options
def compare(jobs: tuple[str, ...], config: str | None, account: str | None, form: str | None) -> None:
    """Settings and results of several jobs side by side; what differs is marked."""
    if len(jobs) < 2 or not all(jobs):
        raise click.UsageError("Name two jobs at least: tunewatch compare JOB JOB")
    prices = common.prices(config)
    with common.desk(config) as desk:
        found = [desk.history.job(job, account) for job in jobs]
        measured = [_results(desk.history.metrics(job)) for job in found]
    if len({(job["account"], job["job_id"]) for job in found}) < len(found):
        raise click.UsageError("The same job is named twice: name different ones.")
    described = [_described(job, last, prices) for job, last in zip(found, measured, strict=True)]
    rows = []
    for name in sorted(dict.fromkeys(name for each in described for name in each), key=_group):
        values = [each.get(name) for each in described]
        if any(value is not None for value in values):
            rows.append(_Compared(name, any(value != values[0] for value in values[1:]), values))
    heads = [job["job_id"] for job in found]
    if form == "json":
        jobs_named = [{"account": job["account"], "job_id": job["job_id"]} for job in found]
        output.as_json({"jobs": jobs_named, "fields": [row._asdict() for row in rows]})
        return
    flat = [{"field": row.field, "differs": row.differs, **dict(enumerate(row.values))} for row in rows]
    places = range(len(heads))
    if form == "csv":
        output.as_csv(flat, ["field", "differs", *places], headings=["field", "differs", *heads])
        return
    columns = [
        Column("", lambda row: "≠" if row["differs"] else ""),
        Column("", lambda row: _WORDS.get(row["field"], row["field"].rpartition(".")[2]).replace("_", " ")),
        *(Column(plain.line(heads[place], 60), partial(_shown, place, desk), flexible=True) for place in places),
    ]
    output.as_table(flat, columns, empty="")


class _Compared(NamedTuple):
    field: str
    differs: bool
    values: list[Any]


def _group(field: str) -> int:
    """Who it is, how it was set, what the owner noted, what came of it: whichever job has it."""
    kind = field.partition(".")[0]
    return 0 if field in _JOB else 1 if kind == "hyperparameters" else 2 if kind == "metadata" else 3


def _shown(place: int, desk: common.Desk, row: output.Row) -> object:
    value = row[place]
    if row["field"] == "created_at":
        return output.local(value, desk.zone)
    if row["field"].endswith("_seconds"):
        return output.lasted(value)
    if row["field"] == "trained_tokens":
        return output.number(value)
    return output.measure(value) if isinstance(value, float) else value


def _results(rows: list[output.Row]) -> dict[str, Any]:
    """The last step, the last value of each measure, and the step with the lowest validation loss."""
    measured = common.metrics_of(rows)
    last = training.results(measured)
    losses = [(loss, metric.step) for metric in measured if (loss := training.valid_loss(metric)) is not None]
    lowest, at = min(losses, default=(None, None))
    measures = {name: value for name, value in last.items() if name not in ("first", "step")}
    return {"last_step": last["step"], **measures, "best_valid_loss": lowest, "best_step": at}


def _described(job: output.Row, results: dict[str, Any], prices: Any) -> dict[str, Any]:
    price = stats.price_of(job, prices)
    return {
        **{name: job[name] for name in _JOB},
        **_each("hyperparameters", job),
        **_each("metadata", job),
        **{name: job[name] for name in ("queued_seconds", "running_seconds", "trained_tokens")},
        "cost": f"{price.amount:.2f} {price.currency}" if price else None,
        **results,
        **{name: job[name] for name in ("error_code", "error_message")},
    }


def _each(name: str, job: output.Row) -> dict[str, Any]:
    """What the object in this column holds; what is no object, in a database of other origin, stands for itself."""
    value = job[name]
    return {f"{name}.{key}": value[key] for key in sorted(value)} if isinstance(value, dict) else {name: value}
