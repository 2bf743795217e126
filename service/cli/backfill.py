"""The command that reads the past of the accounts to its end."""

import contextlib
import dataclasses
import threading
import zoneinfo
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from service import clock, errors
from service.cli import common, logs, output
from service.rules import plain
from service.store import lease

if TYPE_CHECKING:
    from service import wiring
    from service.providers.openai_api import OpenAIProvider
    from service.watcher import past

# In pauses one after the other, without a job read in between.
_LONGEST_TROUBLE = timedelta(minutes=5)
_PAUSE = timedelta(seconds=20)


@dataclass(kw_only=True)
class Tally:
    """What became of the past of one account, in jobs.

    `problem`: why some are `left`. `denied`: those of which we were not let read everything, and `reason`, why.
    """

    account: str
    read: int = 0
    gone: int = 0
    left: int = 0
    problem: str | None = None
    denied: int = 0
    reason: str | None = None

    def take(self, report: "past.Report") -> None:
        self.read += report.read
        self.gone += report.gone
        self.left, self.problem = report.left, report.trouble
        if report.denied:
            self.denied, self.reason = self.denied + 1, report.denied

    def __str__(self) -> str:
        said = f"{self.account}: {plain.count(self.read, 'job')} read, {self.gone:,} gone, {self.left:,} left"
        if self.problem:
            said += f". Why not all: {self.problem}"
        if self.denied:
            said += f". Of {plain.count(self.denied, 'job')} not everything may be read: {self.reason}"
        return said


@click.command(epilog="Example:  tunewatch backfill --since 90d")
@common.config_option
@common.wary_log_options
@common.account_option
@common.since_option("jobs created")
@common.json_option
def backfill(
    config: str | None, log_format: str, log_level: str, account: str | None, since: str | None, as_json: bool
) -> None:
    """Read the events, metrics and checkpoints of the jobs that had ended before tunewatch first looked.

    The daemon does so by itself, little by little; this takes as much as half of the time. It works beside the daemon;
    without one it looks at the accounts first. Ctrl-C ends it, and calling it again goes on.
    """
    stop = common.stop_on_signals()
    logs.set_up(log_format, log_level)
    # These bring openai and Apprise, which most commands do without.
    from service import wiring  # noqa: PLC0415

    settings = wiring.load_settings(config)
    names = [each.name for each in settings.accounts]
    if account and account not in names:
        raise click.UsageError(f"There is no account {account!r}; the configuration has: {', '.join(names)}.")
    after = common.moment("--since", since, zoneinfo.ZoneInfo(settings.notices.timezone))
    chosen = [account] if account else names
    notices, tallies = 0, []
    with contextlib.suppress(errors.Stopped):
        unseen: dict[str, str] = {}
        if not lease.held(settings.database.url):
            # Who looks needs the database for itself. Who reads the past does not: `run` or `poll` may come meanwhile.
            with wiring.opened(settings, daemon=False) as app:
                _cut_off(stop, app.providers)
                notices, unseen = _look(app, chosen)
        with wiring.studying(settings) as study:
            _cut_off(stop, study.providers)
            tallies = _read([each for each in study.pasts if each.account in chosen], unseen, after, stop)
    _tell(tallies, notices, as_json=as_json)
    if stop.is_set():
        click.echo("Stopped. Call it again to go on from here.", err=True)
        raise SystemExit(common.FAILED)
    if any(each.problem for each in tallies):
        raise SystemExit(common.UNAVAILABLE)


def _look(app: "wiring.App", chosen: Iterable[str]) -> tuple[int, dict[str, str]]:
    """How many notices came of it, and the problems of accounts that cannot be seen."""
    reports = [each.poll(app.clock.now(), full=True) for each in app.watchers if each.account in chosen]
    unseen = {report.account: report.problem for report in reports if report.problem}
    return sum(report.notices for report in reports), unseen


def _read(
    pasts: Iterable["past.Past"], unseen: dict[str, str], since: datetime | None, stop: threading.Event
) -> list[Tally]:
    pasts = list(pasts)
    left = {each.account: each.left(since) for each in pasts}
    with output.progress("jobs of the past", sum(left.values())) as advance:
        return [
            Tally(account=each.account, left=left[each.account], problem=unseen[each.account])
            if each.account in unseen
            else read_all(each, since, stop, advance)
            for each in pasts
        ]


def read_all(
    one: "past.Past",
    since: datetime | None,
    stop: threading.Event,
    advance: Callable[[int], None],
    time: clock.Clock | None = None,
) -> Tally:
    """Until nothing is left, `stop` is set or trouble lasts too long."""
    time = time or clock.SystemClock()
    tally = Tally(account=one.account, left=one.left(since))
    troubled = timedelta(0)
    while not stop.is_set():
        try:
            report = one.read(time.now(), since)
        except errors.Stopped:
            break
        except errors.Damaged:
            raise
        except errors.StoreTrouble as error:
            # Such as somebody who keeps the database locked for long.
            tally.problem = str(error)
            troubled += _PAUSE
            if troubled > _LONGEST_TROUBLE:
                break
            stop.wait(_PAUSE.total_seconds())
            continue
        tally.take(report)
        advance(report.read + report.gone)
        troubled = troubled + report.next_in if report.trouble else timedelta(0)
        if troubled > _LONGEST_TROUBLE or not (report.left or report.trouble):
            break
        stop.wait(report.next_in.total_seconds())
    return tally


def _cut_off(stop: threading.Event, providers: "Iterable[OpenAIProvider]") -> None:
    """A request may take minutes; when we are to stop, it is not waited for."""

    def close() -> None:
        stop.wait()
        for each in providers:
            each.close()

    threading.Thread(target=close, daemon=True).start()


def _tell(tallies: Iterable[Tally], notices: int, *, as_json: bool) -> None:
    if as_json:
        output.as_json({"accounts": [dataclasses.asdict(each) for each in tallies], "notices": notices})
        return
    for each in tallies:
        click.echo(plain.line(each, 2000))
    if notices:
        waits = "1 notice waits" if notices == 1 else f"{notices:,} notices wait"
        click.echo(f"{waits}: `tunewatch run` or `poll` sends {'it' if notices == 1 else 'them'}.")
