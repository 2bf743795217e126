"""The command that tells all that is known of one job."""

import shutil
from datetime import timedelta
from typing import Any

import click

from service import clock, model
from service.cli import common, curve, output
from service.rules import cost, plain, stats, training

_LAST_EVENTS = 5
_MOST = 1000
_FIRST_SEEN = " (first seen)"
_MEASURES = (
    ("train_loss", "training loss"), ("full_valid_loss", "validation loss of the whole set"),
    ("valid_loss", "validation loss"), ("train_accuracy", "training accuracy"),
    ("full_valid_accuracy", "validation accuracy of the whole set"), ("valid_accuracy", "validation accuracy"),
    ("reward", "reward"), ("valid_reward", "validation reward"),
)  # fmt: skip


@click.command(epilog="Example:  tunewatch show ftjob-8c2f  (the beginning of an id will do)")
@common.job_argument
@common.config_option
@common.account_option
@common.form_options
def show(job: str, config: str | None, account: str | None, form: str | None) -> None:
    """All that is known of one JOB: its id, the beginning of it, or the tuned model's name."""
    with common.desk(config) as desk:
        found = desk.history.job(job, account)
        history = desk.history.history(job=found, limit=_MOST)[::-1]
        metrics = desk.history.metrics(found)
        checkpoints = desk.history.checkpoints(found)
        events = desk.history.events(job=found, limit=_LAST_EVENTS)
        deliveries = desk.history.deliveries(job=found, limit=_MOST)[::-1]
        if found["state"] == model.State.FAILED and not found["error_message"]:
            reason = desk.history.last_error(found)
        else:
            reason = found["error_message"]
        price = stats.price_of(found, common.prices(config))
        raw = desk.history.raw(found) if form == "json" else None
    found["cost"] = {price.currency: round(price.amount, 2)} if price else None
    if form == "json":
        parts = {"history": history, "checkpoints": checkpoints, "deliveries": deliveries, "raw": raw}
        output.as_json({**found, "last_metrics": _last(metrics), **parts})
        return
    if form == "csv":
        output.as_csv([found], list(found))
        return
    output.as_fields(_fields(found, price, reason, desk))
    _section("Time line", _time_line(found, history, desk))
    _section("Training", [*curve.of_metrics(metrics, shutil.get_terminal_size().columns - 2), *_measured(metrics)])
    _section("Checkpoints", _checkpoints(checkpoints, metrics))
    _section("Last events", [f"{_at(row, 'created_at', desk)}  {plain.line(row['message'], 300)}" for row in events])
    _section("Who was told", [_delivery(row, desk) for row in deliveries])


def _fields(
    row: output.Row, price: cost.Cost | None, reason: str | None, desk: common.Desk
) -> list[tuple[str, object]]:
    state = row["state"] if row["state"] == row["status"] else f"{row['state']} (provider's word: {row['status']})"
    gone = row["gone_at"] and f"at the provider since {_at(row, 'gone_at', desk)}; what is known of it stays"
    results_gone = row["results_gone_at"] and f"at the provider since {_at(row, 'results_gone_at', desk)}"
    return [
        ("Job", row["job_id"]), ("Account", row["account"]), ("State", state), ("Gone", gone),
        ("Model", row["model"]), ("Tuned model", row["fine_tuned_model"]), ("Suffix", row["suffix"]),
        ("Method", row["method"]), ("Settings", _listed(row["hyperparameters"])), ("Seed", row["seed"]),
        ("Metadata", _listed(row["metadata"])),
        ("Queued", output.lasted(row["queued_seconds"])), ("Ran", output.lasted(row["running_seconds"])),
        ("Trained tokens", output.number(row["trained_tokens"])),
        ("Cost", price and f"{price.amount:,.2f} {price.currency} (an estimate)"),
        ("Error", row["error_code"]), ("Reason", reason),
        ("Training file", row["training_file"]), ("Validation file", row["validation_file"]),
        ("Result files", _listed(row["result_files"])), ("Files gone", results_gone),
    ]  # fmt: skip


def _listed(values: Any) -> str:
    """What an object or a list holds; something else, in a database of other origin, as it is."""
    if isinstance(values, dict):
        values = [f"{name} {value}" for name, value in values.items()]
    return ", ".join(map(str, values)) if isinstance(values, list) else str(values or "")


def _at(row: output.Row, key: str, desk: common.Desk) -> str:
    return output.local(row[key], desk.zone) or "–"


def _time_line(job: output.Row, history: list[output.Row], desk: common.Desk) -> list[str]:
    """Every status with how long it lasted, as far as somebody dated its beginning."""
    steps = _steps(job, history)
    ends: list[str | None] = [None if words.endswith(_FIRST_SEEN) else at for at, words in steps[1:]] + [None]
    if steps and job["state"] not in ("succeeded", "failed", "cancelled") and not job["gone_at"]:
        ends[-1] = clock.to_text(clock.SystemClock().now())
    width = max((len(words) for _, words in steps), default=0)
    return [
        f"{output.local(at, desk.zone)}  {words:<{width}}  {_between(at, end)}".rstrip()
        for (at, words), end in zip(steps, ends, strict=True)
    ]


def _steps(job: output.Row, history: list[output.Row]) -> list[tuple[str, str]]:
    """The status changes as we saw them; what lay behind the job at our first sight as the provider dates it."""
    created = [(job["created_at"], "created")] if job["created_at"] else []
    seen = [(row["observed_at"], plain.line(row["to_status"], 40)) for row in history]
    if not seen:
        return created
    at, status = seen[0]
    is_over = job["finished_at"] and job["finished_at"] <= at
    if history[0]["source"] != model.Source.BASELINE and not is_over:
        return created + seen
    started = [(job["started_at"], "started")] if job["started_at"] and job["started_at"] <= at else []
    if is_over:
        first = [(job["finished_at"], status)]
    else:
        first = [] if started and status == model.State.RUNNING else [(at, status + _FIRST_SEEN)]
    return [*created, *started, *first, *seen[1:]]


def _between(start: str, end: str | None) -> str:
    try:
        return plain.duration(max(clock.from_text(end) - clock.from_text(start), timedelta(0))) if end else ""
    except ValueError:
        return ""  # see output.local


def _last(metrics: list[output.Row]) -> dict[str, float]:
    """The last value of everything that was measured."""
    return {name: value for row in metrics for name, _ in _MEASURES if (value := row[name]) is not None}


def _measured(metrics: list[output.Row]) -> list[str]:
    last = _last(metrics)
    named = [(words, output.measure(last[name])) for name, words in _MEASURES if name in last]
    width = max((len(words) for words, _ in named), default=0)
    steps = [f"{plain.count(len(metrics), 'step')} measured, the last is {metrics[-1]['step']}:"] if named else []
    return [*steps, *(f"  {words:<{width}}  {value}" for words, value in named)]


def _checkpoints(rows: list[output.Row], metrics: list[output.Row]) -> list[str]:
    """The best is the one that notices name."""
    names = ("checkpoint_id", "step", "model", "valid_loss")
    found = [model.Checkpoint(created_at=None, **{name: row[name] for name in names}) for row in rows]
    best = training.best_checkpoint(found, common.metrics_of(metrics)) if len(rows) > 1 else None
    return [_checkpoint(row, is_best=best is not None and row["step"] == best["step"]) for row in rows]


def _checkpoint(row: output.Row, *, is_best: bool) -> str:
    loss = "" if row["valid_loss"] is None else f"  validation loss {row['valid_loss']:.4g}"
    return plain.line(f"step {row['step']}: {row['model']}{loss}{', the best' if is_best else ''}", 300)


def _delivery(row: output.Row, desk: common.Desk) -> str:
    when = f" {_at(row, 'sent_at', desk)}" if row["sent_at"] else f", {row['last_error'] or 'not yet tried'}"
    return plain.line(f"{row['kind']} to {row['channel']} ({row['destination']}): {row['state']}{when}", 300)


def _section(heading: str, lines: list[str]) -> None:
    if lines:
        click.echo(f"\n{heading}")
        for line in lines:
            click.echo(f"  {line}")
