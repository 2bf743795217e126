"""Commands about notices before they are sent: preview, route."""

import tempfile
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import click

from service import clock, model
from service.cli import common, output
from service.rules import plain, routing, timing

_KINDS = [str(kind) for kind in model.Kind]
# Those that follow from a job alone.
_OF_JOBS = [
    str(kind)
    for kind in (
        model.Kind.SUCCEEDED, model.Kind.FAILED, model.Kind.CANCELLED, model.Kind.CREATED, model.Kind.STARTED,
        model.Kind.PAUSED, model.Kind.RESUMED,
    )
]  # fmt: skip
# What is told of a job whose state is none of them.
_EXPECTED = model.Kind.SUCCEEDED


# A notice about the watch itself, or a digest, belongs to no job.
_ROUTED = [
    *_OF_JOBS,
    *(
        str(kind)
        for kind in (model.Kind.CHECKPOINT, model.Kind.STALLED, model.Kind.MODEL_CHECK, model.Kind.MODEL_SHUTDOWN)
    ),
]


@click.command(epilog="Example:  tunewatch preview succeeded --open")
@click.argument("kind", metavar="KIND", type=click.Choice(_KINDS))
@common.config_option
@click.option("--channel", metavar="NAME", help="As it goes out through this channel [default: the first].")
@click.option("--job", metavar="JOB", help="About this job of the history, instead of an example.")
@click.option("--open", "shown", is_flag=True, help="Show the mail in the browser.")
def preview(kind: str, config: str | None, channel: str | None, job: str | None, shown: bool) -> None:
    """What a notice of this KIND looks like: as text here, as a mail in a file. Sends nothing.

    Kinds: succeeded, failed, cancelled, paused, created, started, resumed, checkpoint, stalled, model_check,
    model_shutdown, watch_failing, watch_recovered, delivery_failed, digest.
    """
    # These bring openai and Apprise, which most commands do without.
    from service import wiring  # noqa: PLC0415
    from service.cli import material  # noqa: PLC0415
    from service.composer import examples  # noqa: PLC0415

    settings = wiring.load_settings(config)
    rules = material.channel(settings, channel)
    if job and kind not in _OF_JOBS:
        raise click.UsageError(f"--job goes with one of {', '.join(_OF_JOBS)}.")
    if job:
        with common.desk(config) as desk:
            notice, course = material.of_job(desk, job, model.Kind(kind), settings)
    else:
        notice, course = examples.notice(model.Kind(kind)), examples.course()
    destination = model.Destination(key="preview", channel=rules, label="preview")
    message = wiring.composer(settings).compose([notice], destination, course if notice.job_id else None)
    click.echo(f"{message.title}\n\n{message.body}")
    path = _write(message)
    click.echo(f"\nAs a mail: {path}", err=True)
    if shown:
        click.launch(str(path))


def _write(message: model.Message) -> Path:
    """The mail as a page, with its picture beside it."""
    folder = Path(tempfile.mkdtemp(prefix="tunewatch-preview-"))
    path = folder / "mail.html"
    path.write_text((message.html or "").replace("cid:curve", "curve.png"), encoding="utf-8")
    if message.picture:
        (folder / "curve.png").write_bytes(message.picture)
    return path


@click.command(epilog="Example:  tunewatch route ftjob-8c2f --kind failed")
@click.argument("job")
@common.config_option
@click.option(
    "--kind", metavar="KIND", type=click.Choice(_ROUTED), help="Of this kind [default: what the job's state brings]."
)
@common.json_option
def route(job: str, config: str | None, kind: str | None, as_json: bool) -> None:
    """Where a notice about JOB would go, where not, and why not. Sends nothing."""
    # These bring openai and Apprise, which most commands do without.
    from service import wiring  # noqa: PLC0415
    from service.cli import material  # noqa: PLC0415

    settings = wiring.load_settings(config)
    with common.desk(config) as desk:
        row = desk.history.job(job)
        told = model.Kind(kind) if kind else _kind_of(row["state"])
        notice, _ = material.of_job(desk, job, told, settings)
        _, destinations = wiring.channels(settings)
        now = clock.SystemClock().now()
        rows = [_routed(notice, each, desk.zone, now) for each in destinations]
    if as_json:
        output.as_json({"kind": told, "account": notice.account, "job_id": notice.job_id, "destinations": rows})
        return
    click.echo(f"A notice `{told}` about {plain.line(row['job_id'], 120)}:")
    for each in rows:
        click.echo(f"  {'to' if each['goes'] else 'not to'} {each['channel']} ({each['destination']}): {each['why']}")
    if not any(each["goes"] for each in rows):
        click.echo("  Nobody would be told.")


def _routed(notice: model.Notice, destination: model.Destination, zone: tzinfo, now: datetime) -> dict[str, Any]:
    refusal = routing.refusal(notice, destination.channel)
    return {
        "channel": destination.channel.name, "destination": destination.label, "goes": refusal is None,
        "why": refusal or _when(notice, destination.channel, zone, now),
    }  # fmt: skip


def _when(notice: model.Notice, channel: model.Channel, zone: tzinfo, now: datetime) -> str:
    quiet = timing.quiet_until(channel, now, zone)
    if quiet and notice.kind not in channel.urgent:
        return f"after the quiet hours, {plain.moment(quiet, zone)}"
    if channel.group_wait:
        return f"within {plain.duration(channel.group_wait)}, with what else happens then"
    return "at once"


def _kind_of(state: str) -> model.Kind:
    return model.Kind(state) if state in _OF_JOBS else _EXPECTED
