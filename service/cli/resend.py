"""The command that brings back what was given up."""

from collections import Counter

import click

from service import clock
from service.cli import common
from service.rules import plain
from service.store import engine as engines
from service.store import lease
from service.store.queue import Queue


@click.command(epilog="Example:  tunewatch resend tw-k3v7qa2m5x")
@click.argument("notice", metavar="[ID]", required=False)
@common.config_option
@click.option("--failed", is_flag=True, help="Everything that was given up, instead of one notice.")
@click.option("--channel", metavar="NAME", help="Only what was to go through this channel.")
def resend(notice: str | None, config: str | None, failed: bool, channel: str | None) -> None:
    """Send again what was given up: the notice ID (tw-…, see `tunewatch deliveries --failed`), or all of it.

    The running daemon sends it within a minute; without one, the next `run` or `poll` does.
    """
    if bool(notice) == failed:
        raise click.UsageError("Name the ID of one notice, or say --failed for everything that was given up.")
    with common.desk(config) as desk:
        if notice:
            _check(notice, Counter(row["state"] for row in desk.history.deliveries(limit=1000, notice_id=notice)))
    engine = engines.writing(desk.url)
    try:
        done = Queue(engine).resend(clock.SystemClock().now(), notice_id=notice, channel=channel)
    finally:
        engine.dispose()
    for name in done.homeless:
        click.echo(f"Channel {name} has left the configuration; what it was to bring stays given up.", err=True)
    if not done.queued:
        raise click.ClickException("There is nothing to send again.")
    when = "the daemon sends" if lease.held(desk.url) else "no daemon is running: `tunewatch run` or `poll` sends"
    click.echo(f"{plain.count(done.queued, 'notice')} queued again; {when} {'it' if done.queued == 1 else 'them'}.")


def _check(notice: str, states: Counter[str]) -> None:
    """Whether this notice was given up anywhere."""
    if not states:
        raise click.ClickException(
            f"No notice {plain.line(notice, 60)} is recorded; `tunewatch deliveries --failed` lists what was given up."
        )
    if not states["failed"]:
        told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        raise click.ClickException(f"Notice {notice} was given up nowhere: {told}.")
