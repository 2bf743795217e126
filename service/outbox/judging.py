"""How a destination fares, and what is told of it through the others."""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from service import model
from service.rules import notices, patience, routing

log = logging.getLogger(__name__)


class Judge:
    """Of all destinations. `luck` gives random numbers from 0 to 1 (see patience.pause)."""

    def __init__(self, destinations: Sequence[model.Destination], luck: Callable[[], float]) -> None:
        self._destinations = tuple(destinations)
        self._luck = luck

    def after(
        self, destination: model.Destination, health: model.DestinationRecord, error: str | None, now: datetime
    ) -> tuple[model.DestinationRecord, list[model.Order]]:
        """How it fares after an attempt that ended with `error`, None for well; and what has to be told elsewhere."""
        if error is None:
            return self._well(destination, health, now)
        ill = dataclasses.replace(
            health,
            failures=health.failures + 1,
            failing_since=health.failing_since or now,
            retry_at=now + patience.pause(health.failures + 1, self._luck()),
            last_error=error,
        )
        if ill.failures < patience.FAILURES_TO_ANNOUNCE or ill.announced_at:
            return ill, []
        ill = dataclasses.replace(ill, announced_at=now)
        return ill, [self._order(model.Kind.WATCH_FAILING, destination, ill, now)]

    def elsewhere(self, notice: model.Notice, broken: model.Destination) -> model.Order:
        """The notice, to all who want it but the one that it is about."""
        return model.Order(
            notice=notice, destinations=routing.destinations(notice, self._destinations, broken=broken.key)
        )

    def _well(
        self, destination: model.Destination, health: model.DestinationRecord, now: datetime
    ) -> tuple[model.DestinationRecord, list[model.Order]]:
        orders = [self._order(model.Kind.WATCH_RECOVERED, destination, health, now)] if health.announced_at else []
        if health.failing_since:
            log.info("%s: works again", destination.name)
        well = dataclasses.replace(
            health, failures=0, failing_since=None, announced_at=None, retry_at=None, last_error=None
        )
        return well, orders

    def _order(
        self, kind: model.Kind, destination: model.Destination, health: model.DestinationRecord, now: datetime
    ) -> model.Order:
        notice = notices.of_destination(
            kind, destination, since=health.failing_since or now, reason=health.last_error, now=now
        )
        return self.elsewhere(notice, destination)
