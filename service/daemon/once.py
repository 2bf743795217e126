"""One pass now, for those who have their own scheduler."""

from dataclasses import dataclass

from service import wiring
from service.outbox import outbox as delivering
from service.watcher import watcher as watching


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the pass did: a report per account, and one per destination by its name."""

    polls: tuple[watching.Report, ...]
    deliveries: dict[str, delivering.Report]

    @property
    def fine(self) -> bool:
        """Every account could be read and every notice brought to its destination."""
        return not any(report.problem for report in self.polls) and not any(
            report.postponed or report.given_up for report in self.deliveries.values()
        )


def run(app: wiring.App, *, full: bool) -> Result:
    """Look at every account, then deliver what is due."""
    polls = tuple(watcher.poll(app.clock.now(), full=full) for watcher in app.watchers)
    deliveries = {
        f"{destination.channel} ({destination.label})": app.outbox.deliver(destination, app.clock.now())
        for destination in app.destinations
    }
    return Result(polls=polls, deliveries=deliveries)
