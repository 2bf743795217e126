"""From something worth telling to an order for those who want to be told."""

from datetime import datetime
from typing import Any

from service import model
from service.rules import notices, routing
from service.watcher import surroundings


class Telling:
    """Of one look at an account.

    `count`: the notices written so far. `late`: what no change of a job gave rise to, to be written with the end of the
    pass.
    """

    def __init__(self, account: str, now: datetime, around: surroundings.Surroundings) -> None:
        self.account = account
        self.now = now
        self._around = around
        self.count = 0
        self.late: list[model.Order] = []

    def wanted(self, kind: model.Kind) -> bool:
        return routing.wanted(kind, self.account, self._around.destinations)

    def facts(self, job: model.Job, read: model.Course | None = None) -> dict[str, Any]:
        """What a notice about the job tells of it, from what is known of its course and what was `read` just now."""
        known, read = self._around.record.course(job.account, job.job_id), read or model.Course()
        events = {event.event_id: event for event in (*known.events, *read.events)}
        return notices.job_facts(
            job,
            events=tuple(events.values()),
            metrics=(*known.metrics, *read.metrics),
            checkpoints=(*known.checkpoints, *read.checkpoints),
            page_url=self._around.provider.page_url(job.job_id),
            api_url=self._around.provider.api_url,
            now=self.now,
        )

    def order(self, notice: model.Notice) -> model.Order:
        return model.Order(notice=notice, destinations=routing.destinations(notice, self._around.destinations))

    def orders(self, notice: model.Notice) -> tuple[model.Order, ...]:
        """One, or none when nobody wants the notice: then it is not kept either, unlike those of ends."""
        order = self.order(notice)
        return (order,) if order.destinations else ()

    def wrote(self, count: int) -> None:
        """So many notices were written: count them, and wake those who deliver."""
        self.count += count
        if count:
            self._around.queued()
