"""Commands that watch: run, poll."""

import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

import click

from service import errors
from service.cli import common, logs, output
from service.rules import plain

if TYPE_CHECKING:
    from service.daemon import once


@click.command(epilog="Example:  tunewatch run --log-format json")
@common.config_option
@common.log_options
def run(config: str | None, log_format: str, log_level: str) -> None:
    """Watch until stopped: the daemon itself.

    SIGTERM and Ctrl-C stop it. SIGHUP has it look at the configuration file again and log whether that would be
    accepted; it takes effect at the next start.
    """
    # First of all: a process 1 without a handler ignores SIGTERM, and the imports take a second.
    stop = common.stop_on_signals()
    if not sys.stdin.isatty():
        # On a terminal a hangup means that the terminal went away, and so shall we.
        signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=_try, args=[config], daemon=True).start())
    logs.set_up(log_format, log_level)
    # These bring openai and Apprise, which most commands do without.
    from service import wiring  # noqa: PLC0415
    from service.daemon import daemon  # noqa: PLC0415

    settings = wiring.load_settings(config)
    for warning in common.warnings(settings, config):
        logging.getLogger("service").warning("%s", warning)
    try:
        with wiring.opened(settings, daemon=True) as app:
            daemon.Daemon(app).run(stop)
    except daemon.MemberDied as death:
        logging.getLogger("service").critical("%s", death)
        _leave(1)
    _leave(0)


def _try(config: str | None) -> None:
    """Log whether the configuration, as it is now, would be accepted."""
    from service import wiring  # noqa: PLC0415 - by now it is loaded, or about to be

    log = logging.getLogger("service")
    try:
        found = common.warnings(wiring.load_settings(config), config)
    except errors.TunewatchError as refusal:
        log.error("the configuration file would be refused now; going on with the one from the start. %s", refusal)
    else:
        log.info("the configuration file would be accepted now; restart to take it up. %s", " ".join(found))


def _leave(code: int) -> NoReturn:
    """End now: a thread that hangs in a network call would keep the interpreter from ending by itself."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


@click.command(epilog="Example:  */5 * * * * cd /srv/watch && tunewatch poll")
@common.config_option
@common.quiet_log_options
@click.option("--full", is_flag=True, help="Read the whole listing, not only what may have changed.")
@common.json_option
def poll(config: str | None, log_format: str, log_level: str, full: bool, as_json: bool) -> None:
    """Look once and deliver what is due, then end: for those who have their own scheduler."""
    logs.set_up(log_format, log_level)
    # These bring openai and Apprise, which most commands do without.
    from service import wiring  # noqa: PLC0415
    from service.daemon import once  # noqa: PLC0415

    with wiring.opened(wiring.load_settings(config), daemon=False) as app:
        result = once.run(app, full=full)
    if as_json:
        output.as_json(_as_data(result))
    else:
        for each in result.polls:
            said = each.problem or ", ".join(
                plain.count(*pair) for pair in ((each.jobs, "job"), (each.changes, "change"), (each.notices, "notice"))
            )
            click.echo(f"{each.account}: {plain.line(said, 1000)}")
        for destination, report in result.deliveries:
            if report.sent or report.postponed or report.given_up:
                click.echo(
                    f"{destination.name}: {report.sent} sent, {report.postponed} to be tried again, "
                    f"{report.given_up} given up"
                )
    if not result.fine:
        raise SystemExit(common.UNAVAILABLE)


def _as_data(result: "once.Result") -> dict[str, list[dict[str, object]]]:
    return {
        "accounts": [
            {"account": each.account, "jobs": each.jobs, "pages": each.pages, "changes": each.changes,
             "notices": each.notices, "problem": each.problem}
            for each in result.polls
        ],
        "deliveries": [
            {"channel": to.channel.name, "destination": to.label, "sent": report.sent, "postponed": report.postponed,
             "given_up": report.given_up}
            for to, report in result.deliveries
        ],
    }  # fmt: skip
