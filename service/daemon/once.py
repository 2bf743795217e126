"""One pass now, for those who have their own scheduler."""

import dataclasses
from dataclasses import dataclass

from service import model, wiring
from service.outbox import outbox as delivering
from service.watcher import watcher as watching


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the pass did: a report per account, and one per destination."""

    polls: tuple[watching.Report, ...]
    deliveries: tuple[tuple[model.Destination, delivering.Report], ...]

    @property
    def fine(self) -> bool:
        """Every account could be read and every notice brought to its destination."""
        return not any(report.problem for report in self.polls) and not any(
            report.postponed or report.given_up for _, report in self.deliveries
        )


def run(app: wiring.App, *, full: bool) -> Result:
    """Look at every account, deliver what is due, and keep house."""
    polls = tuple(watcher.poll(app.clock.now(), full=full) for watcher in app.watchers)
    app.digests.keep(app.clock.now())
    first = [_deliver(app, destination) for destination in app.destinations]
    # Trouble with one destination is told through the others, which may have had their turn already.
    again = [_deliver(app, destination) for destination in app.destinations]
    app.upkeep.keep(app.clock.now())
    reports = [_sum(before, after) for before, after in zip(first, again, strict=True)]
    return Result(polls=polls, deliveries=tuple(zip(app.destinations, reports, strict=True)))


def _deliver(app: wiring.App, destination: model.Destination) -> delivering.Report:
    """Until nothing more is due."""
    total = delivering.Report()
    while True:
        report = app.outbox.deliver(destination, app.clock.now(), gather=False)
        total = _sum(total, report)
        if not report.sent or report.postponed or report.given_up:
            return total


def _sum(one: delivering.Report, other: delivering.Report) -> delivering.Report:
    return dataclasses.replace(
        other, sent=one.sent + other.sent, postponed=one.postponed + other.postponed,
        given_up=one.given_up + other.given_up, queued=one.queued + other.queued,
    )  # fmt: skip
