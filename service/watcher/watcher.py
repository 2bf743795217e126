"""The watch over one account: pass after pass, good ones and failed ones."""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service import clock, errors, model, ports
from service.rules import causes, listing, notices, patience, plain, routing
from service.watcher import course, look, reader, surroundings

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one account is watched. `first_run`: None is silent, else announce what ended within it.

    `stalled_after`: how long a job may be silent. `model_question`: whether a new model is asked for a word, which
    costs money. `course_budget`: how long one pass may spend on reading the courses of jobs that changed.
    """

    account: str
    interval: timedelta
    idle_interval: timedelta
    blind_after: timedelta
    first_run: timedelta | None = None
    stalled_after: timedelta = timedelta(hours=6)
    model_question: bool = False
    course_budget: timedelta = patience.COURSE_BUDGET


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a pass did. `problem` is the sentence for the owner when the account could not be read.

    `next_in`: from the start of this pass to the start of the next.
    """

    account: str
    pages: int
    jobs: int
    changes: int
    notices: int
    next_in: timedelta
    baseline: bool = False
    problem: str | None = None


class Watcher:
    """Looks at one account, again and again.

    What it remembers itself, and would tell or ask once more without it: what was logged, which single jobs could
    not be read, and when to look for silent ones. `most_pages`: where a listing without an end is left.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        provider: ports.Provider,
        record: ports.Record,
        destinations: Sequence[model.Destination],
        time: clock.Clock,
        most_pages: int = listing.MOST_PAGES,
    ) -> None:
        self._settings = settings
        self._provider = provider
        self._record = record
        self._destinations = tuple(destinations)
        self._time = time
        self._most_pages = most_pages
        self._failures, self._troubles = causes.Told(), causes.Told()
        self._memory, self._silences = reader.Memory(), surroundings.Silences()
        self._refused = False

    @property
    def account(self) -> str:
        return self._settings.account

    def poll(self, now: datetime, *, full: bool = False, queued: Callable[[], None] = lambda: None) -> Report:
        """One pass. `full` reads the whole listing, as happens by itself once a day.

        `queued` is called whenever notices were written, so that they need not wait for the end of a long pass.
        A provider that cannot be read is part of the job: it ends in the report, never in an exception.
        """
        began = self._time.monotonic()
        before = self._record.account(self.account)
        settings = self._settings

        def trouble(text: str, cause: str | None = None) -> None:
            news = self._troubles.is_news(cause or text, now)
            log.log(logging.WARNING if news else logging.DEBUG, "%s: %s", self.account, text)

        around = surroundings.Surroundings(
            provider=self._provider, record=self._record, destinations=self._destinations,
            interval=settings.interval, blind_after=settings.blind_after, first_run=settings.first_run,
            stalled_after=settings.stalled_after, model_question=settings.model_question,
            most_pages=self._most_pages, queued=queued, trouble=trouble, memory=self._memory,
            silences=self._silences,
        )  # fmt: skip
        one = look.Look(before, now, around, lambda: course.Budget(self._time, settings.course_budget))
        try:
            after = one.run(full=full)
        except (errors.Transient, errors.Permanent) as error:
            took = timedelta(seconds=self._time.monotonic() - began)
            orders, report = self._failed(before, error, one, now, took)
        else:
            orders, report = self._good(before, after, one, now)
        if orders:
            queued()
        return report

    def _good(
        self, before: model.AccountRecord, after: model.AccountRecord, one: look.Look, now: datetime
    ) -> tuple[list[model.Order], Report]:
        unfinished = self._record.unfinished(self.account)
        pause = self._settings.interval if unfinished else self._settings.idle_interval
        unread = one.unread()
        orders = [*unread, *one.late]
        if before.blind_at and before.failing_since:
            orders.append(self._order(model.Kind.WATCH_RECOVERED, before.failing_since, None, now))
        if before.failing_since:
            log.info("%s: can be read again", self.account)
        self._record.end_pass(
            dataclasses.replace(
                after, last_pass_at=now, last_good_at=now, next_pass_at=now + pause, failing_since=None, blind_at=None,
                last_error=None,
            ),
            orders,
        )  # fmt: skip
        self._failures.forget()
        self._refused = False
        self._silences.told()
        if unread:
            self._memory.told.update(self._memory.unread)
        report = self._report(one, orders, pause, baseline=before.baseline_at is None)
        if report.baseline:
            log.info(
                "%s: first sight: %s recorded; every end is announced now",
                self.account,
                plain.count(report.jobs, "job"),
            )
        log.log(
            logging.INFO if report.changes else logging.DEBUG,
            "%s: %s in %s read on %s, %s; next look in %s", self.account, plain.count(report.changes, "change"),
            plain.count(report.jobs, "job"), plain.count(report.pages, "page"), plain.count(report.notices, "notice"),
            plain.duration(pause),
        )  # fmt: skip
        return orders, report

    def _failed(
        self, before: model.AccountRecord, error: errors.TunewatchError, one: look.Look, now: datetime, took: timedelta
    ) -> tuple[list[model.Order], Report]:
        since = before.failing_since or now
        # Asked for at the end of a pass that may have waited for minutes, while `pause` begins at its start.
        asked = took + error.retry_after if isinstance(error, errors.RateLimited) and error.retry_after else None
        pause = max(self._settings.interval, asked or timedelta(0))
        blind = before.blind_at is not None or patience.is_blind(
            before.failing_since, now, refused=self._refused_again(before, error), pause=asked or timedelta(0),
            blind_after=self._settings.blind_after,
        )  # fmt: skip
        orders = []
        if blind and not before.blind_at:
            orders.append(self._order(model.Kind.WATCH_FAILING, since, str(error), now))
        self._record.end_pass(
            dataclasses.replace(
                before, last_pass_at=now, next_pass_at=now + pause, failing_since=since,
                blind_at=before.blind_at or (now if blind else None), last_error=str(error),
            ),
            orders,
        )  # fmt: skip
        if before.last_error:  # which may have been logged by the process before this one
            self._failures.is_news(before.last_error, now)
        news = self._failures.is_news(str(error), now)
        log.log(logging.WARNING if news else logging.DEBUG, "%s: %s", self.account, error)
        return orders, self._report(one, orders, pause, problem=str(error))

    def _refused_again(self, before: model.AccountRecord, error: errors.TunewatchError) -> bool:
        """Whether the look before this one was refused as well; what another process saw goes by its words."""
        refused_before, self._refused = self._refused, isinstance(error, errors.Refused)
        same = before.last_error is not None and causes.reduced(before.last_error) == causes.reduced(str(error))
        return self._refused and (refused_before or same)

    def _report(
        self, one: look.Look, orders: Sequence[model.Order], pause: timedelta, *, baseline: bool = False,
        problem: str | None = None,
    ) -> Report:  # fmt: skip
        return Report(
            account=self.account, pages=one.pages, jobs=one.jobs, changes=one.changes,
            notices=one.notices + len(orders), next_in=pause, baseline=baseline, problem=problem,
        )  # fmt: skip

    def _order(self, kind: model.Kind, since: datetime, reason: str | None, now: datetime) -> model.Order:
        notice = notices.of_account(kind, self.account, since=since, reason=reason, now=now)
        return model.Order(notice=notice, destinations=routing.destinations(notice, self._destinations))
