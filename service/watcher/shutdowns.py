"""The models of the history that will be shut down."""

import logging
from collections.abc import Sequence
from datetime import datetime

from service import errors, model
from service.rules import listing, notices, patience, shutdown
from service.watcher import surroundings, telling

log = logging.getLogger(__name__)

# Of an account with many more models the rest is told at the next pass.
_MOST_AT_ONCE = 500


class Shutdowns:
    """Reads once a day, with one request, which models the provider lists and until when."""

    def __init__(self, tell: telling.Telling, around: surroundings.Surroundings) -> None:
        self._telling = tell
        self._around = around
        self._now = tell.now

    def look(self, read_at: datetime | None) -> datetime | None:
        """When the models were read last, this look included; trouble puts it off and never ends the pass."""
        if not self._telling.wanted(model.Kind.MODEL_SHUTDOWN):
            return read_at
        if read_at and abs(self._now - read_at) < patience.MODELS_READ_EVERY:
            return read_at
        try:
            listed = self._around.provider.models()
        except errors.NotFound as error:
            log.debug("%s: it has no list of models: %s", self._telling.account, error)
        except errors.Permanent as error:
            self._around.trouble(f"its models cannot be read: {error}")
        except errors.Transient as error:
            log.debug("%s: its models cannot be read now: %s", self._telling.account, error)
            return self._now - patience.MODELS_READ_EVERY + patience.LONGEST_RETRY
        else:
            return self._now if self._tell(listed) else read_at
        return self._now

    def _tell(self, listed: Sequence[model.ListedModel]) -> bool:
        """Whether that was all there is to tell."""
        days = {each.name: each.shutdown_date for each in listed}
        if not any(days.values()):
            return True
        record, account = self._around.record, self._telling.account
        expected = shutdown.expected(record.tuned(account), days, self._now.date())
        causes = {notices.shutdown_cause(account, each): each for each in expected}
        told = record.told(causes)
        news = [each for cause, each in causes.items() if cause not in told]
        made: list[model.Order] = []
        while news and len(made) < _MOST_AT_ONCE:
            portion, news = news[: listing.PAGE_SIZE], news[listing.PAGE_SIZE :]
            made += self._orders(portion)
        self._telling.late += made
        return not news

    def _orders(self, expected: Sequence[shutdown.Expected]) -> list[model.Order]:
        jobs = self._around.record.known(self._telling.account, [each.job_id for each in expected])
        made: list[model.Order] = []
        for each in expected:
            job = jobs[each.job_id]
            facts = self._telling.facts(job)
            made += self._telling.orders(notices.of_shutdown(job, each, facts=facts, now=self._now))
        return made
