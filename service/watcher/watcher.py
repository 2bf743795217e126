"""One poll pass over one account: network first, then one transaction per page of changes."""

import dataclasses
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service import clock, errors, model, ports
from service.rules import compare, listing, notices, patience, routing
from service.watcher import course, reader

log = logging.getLogger(__name__)

# Jobs whose course is read at one pass besides those that changed; the rest wait for the next.
_COURSES_PER_PASS = 20


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one account is watched. `first_run`: None is silent, else announce what ended within it.

    `course_budget`: how long one pass may spend on reading the courses of jobs that changed.
    """

    account: str
    interval: timedelta
    idle_interval: timedelta
    blind_after: timedelta
    first_run: timedelta | None = None
    course_budget: timedelta = patience.COURSE_BUDGET


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a pass did. `problem` is the sentence for the owner when the account could not be read."""

    account: str
    pages: int = 0
    jobs: int = 0
    changes: int = 0
    notices: int = 0
    baseline: bool = False
    problem: str | None = None
    next_in: timedelta = timedelta(0)


@dataclass
class _Tally:
    pages: int = 0
    jobs: int = 0
    changes: int = 0
    notices: int = 0


class Watcher:
    """Looks at one account, again and again; remembers nothing that is not in the store but what it has logged."""

    def __init__(
        self,
        settings: Settings,
        *,
        provider: ports.Provider,
        record: ports.Record,
        destinations: Sequence[model.Destination],
        time: clock.Clock,
    ) -> None:
        self._settings = settings
        self._provider = provider
        self._record = record
        self._destinations = tuple(destinations)
        self._time = time
        self._logged: set[str] = set()
        self._reader = reader.Reader(settings.account, provider, record, self._once)

    @property
    def account(self) -> str:
        return self._settings.account

    def poll(self, now: datetime, *, full: bool = False) -> Report:
        """One pass. `full` reads the whole listing, as happens by itself once a day.

        A provider that cannot be read is part of the job: it ends in the report, never in an exception.
        """
        before = self._record.account(self.account)
        tally = _Tally()
        try:
            after = self._look(before, now, full, tally)
        except (errors.Transient, errors.Permanent) as error:
            return self._failed(before, error, now)
        return self._good(before, after, now, tally)

    # -- one good pass ------------------------------------------------------------------------------------------

    def _look(self, account: model.AccountRecord, now: datetime, full: bool, tally: _Tally) -> model.AccountRecord:
        everything = full or account.full_read_at is None or now - account.full_read_at >= patience.FULL_READ_EVERY
        walk = listing.Walk(None if everything else account.watermark)
        in_time = self._deadline()
        for page in self._reader.pages(walk):
            self._keep_unreadable(page, now)
            tally.pages += 1
            tally.jobs += len(page.items)
            self._take(page.items, model.Source.LIST, account, now, in_time, tally)
        missing = set(self._record.unfinished(self.account)) - walk.seen
        for items in self._reader.retrieved(missing, now):
            self._take(items, model.Source.RETRIEVE, account, now, in_time, tally)
        self._catch_up(now)
        if walk.repeated:
            self._once("its listing repeats a page; reading stopped there. Jobs behind it cannot be seen.")
        whole = everything or not walk.newest_first
        return dataclasses.replace(
            account,
            baseline_at=account.baseline_at or now,
            watermark=walk.newest or account.watermark,
            full_read_at=now if whole else account.full_read_at,
        )

    # -- jobs ---------------------------------------------------------------------------------------------------

    def _take(
        self, items: Sequence[model.Item], source: model.Source, account: model.AccountRecord, now: datetime,
        in_time: Callable[[], bool], tally: _Tally,
    ) -> None:  # fmt: skip
        """Compare the items with what is known and write what differs, in one transaction."""
        raws = self._record.raws(self.account, [item.job_id for item in items])
        changed = {item.job_id: item for item in items if raws.get(item.job_id) != item.raw}
        if not changed:
            return
        known = self._record.known(self.account, list(changed))
        first_sight = account.baseline_at is None
        updates = []
        for item in changed.values():
            try:
                seen = compare.merge(known.get(item.job_id), self._provider.read(item), now=now, baseline=first_sight)
                updates.append(self._update(known.get(item.job_id), seen, source, first_sight, now, in_time))
            except errors.TunewatchError:
                raise
            except Exception as surprise:  # noqa: BLE001 - one bad item must not stop a pass
                # Whatever a payload does to us, the other jobs go on. It is tried again at the next pass.
                self._record.keep_unreadable(self.account, [item.raw], now)
                self._once(f"job {item.job_id} cannot be understood ({surprise!r}); kept raw, tried again")
        self._record.record(updates, now)
        tally.changes += sum(update.change is not None for update in updates)
        tally.notices += sum(len(update.orders) for update in updates)
        self._log_changes(updates, first_sight)

    def _update(
        self, known: model.Job | None, seen: model.Job, source: model.Source, first_sight: bool, now: datetime,
        in_time: Callable[[], bool],
    ) -> model.Update:  # fmt: skip
        silent = first_sight and known is None and not self._is_recent(seen, now)
        if first_sight:
            source = model.Source.BASELINE
        change = compare.change(known, seen, now=now, source=source)
        if change is None or (silent and seen.state.ended):
            # Whether and when its course is read next stays as it was; a job of the past has none to read.
            return model.Update(job=seen, change=change)
        kind = None if silent else compare.announcement(known, seen)
        read = course.read(self._provider, self._record, seen, in_time=in_time)
        job = compare.with_course(seen, read)
        return model.Update(
            job=job,
            change=change,
            course=read,
            course_due_at=self._course_due(job, read, now),
            orders=(self._order(kind, job, read, now),) if kind else (),
        )

    def _order(self, kind: model.Kind, job: model.Job, read: model.Course, now: datetime) -> model.Order:
        notice = notices.of_job(
            kind,
            job,
            events=read.events,
            metrics=(*self._record.metrics(self.account, job.job_id), *read.metrics),
            page_url=self._provider.page_url(job.job_id),
            now=now,
        )
        return model.Order(notice=notice, destinations=routing.destinations(notice, self._destinations))

    def _is_recent(self, job: model.Job, now: datetime) -> bool:
        window = self._settings.first_run
        return compare.is_recent(job, now - window if window else None)

    def _catch_up(self, now: datetime) -> None:
        """Read the course of jobs that run, and of those whose reading was cut short."""
        in_time = self._deadline()
        for job in self._record.course_due(self.account, now, _COURSES_PER_PASS):
            if not in_time():
                return
            read = course.read(self._provider, self._record, job, in_time=in_time)
            merged = compare.with_course(job, read)
            due = self._course_due(merged, read, now)
            self._record.record([model.Update(job=merged, course=read, course_due_at=due)], now)

    def _course_due(self, job: model.Job, read: model.Course, now: datetime) -> datetime | None:
        if job.state.ended and read.complete:
            return None
        return now + self._settings.interval * patience.COURSE_INTERVALS

    def _deadline(self) -> Callable[[], bool]:
        """Notices go out without details rather than late: reading courses ends when this turns False."""
        end = self._time.monotonic() + self._settings.course_budget.total_seconds()
        return lambda: self._time.monotonic() < end

    def _keep_unreadable(self, page: model.Page, now: datetime) -> None:
        if page.unreadable:
            self._record.keep_unreadable(self.account, page.unreadable, now)
            self._once(f"{len(page.unreadable)} entries of its listing have no usable id; kept raw, tried again.")

    # -- the end of a pass --------------------------------------------------------------------------------------

    def _good(self, before: model.AccountRecord, after: model.AccountRecord, now: datetime, tally: _Tally) -> Report:
        pause = self._settings.interval if self._record.unfinished(self.account) else self._settings.idle_interval
        orders = []
        if before.blind_at and before.failing_since:
            orders.append(self._watch_order(model.Kind.WATCH_RECOVERED, before.failing_since, None, now))
        if before.failing_since:
            log.info("%s: can be read again", self.account)
            self._logged.clear()
        self._record.end_pass(
            dataclasses.replace(
                after, last_pass_at=now, last_good_at=now, next_pass_at=now + pause, failing_since=None, blind_at=None,
                last_error=None,
            ),
            orders,
        )  # fmt: skip
        report = Report(
            account=self.account,
            **dataclasses.asdict(dataclasses.replace(tally, notices=tally.notices + len(orders))),
            baseline=before.baseline_at is None,
            next_in=pause,
        )
        self._log_pass(report)
        return report

    def _failed(self, before: model.AccountRecord, error: errors.TunewatchError, now: datetime) -> Report:
        since = before.failing_since or now
        refused = isinstance(error, errors.Refused)
        asked = error.retry_after if isinstance(error, errors.RateLimited) else None
        pause = max(self._settings.interval, asked or timedelta(0))
        blind = patience.is_blind(since, now, refused=refused, blind_after=self._settings.blind_after)
        orders = []
        if blind and not before.blind_at:
            orders.append(self._watch_order(model.Kind.WATCH_FAILING, since, str(error), now))
        self._record.end_pass(
            dataclasses.replace(
                before, last_pass_at=now, next_pass_at=now + pause, failing_since=since,
                blind_at=before.blind_at or (now if blind else None), last_error=str(error),
            ),
            orders,
        )  # fmt: skip
        # Once per distinct trouble, not once per poll; the store remembers it across restarts of the process.
        log.log(logging.DEBUG if str(error) == before.last_error else logging.WARNING, "%s: %s", self.account, error)
        return Report(account=self.account, problem=str(error), notices=len(orders), next_in=pause)

    def _watch_order(self, kind: model.Kind, since: datetime, reason: str | None, now: datetime) -> model.Order:
        notice = notices.of_account(kind, self.account, since=since, reason=reason, now=now)
        return model.Order(notice=notice, destinations=routing.destinations(notice, self._destinations))

    # -- logging ------------------------------------------------------------------------------------------------

    def _log_changes(self, updates: Iterable[model.Update], first_sight: bool) -> None:
        for update in updates:
            if update.change is None:
                continue
            level = logging.DEBUG if first_sight else logging.INFO
            was = update.change.from_status or "new"
            log.log(level, "%s: job %s: %s -> %s", self.account, update.job.job_id, was, update.change.to_status)
            if update.job.state is model.State.UNKNOWN:
                self._once(f"status {update.job.status!r} is not known here; such jobs are watched on as unfinished")

    def _log_pass(self, report: Report) -> None:
        if report.baseline:
            log.info(
                "%s: first sight: %d jobs recorded; from now on every end is announced", report.account, report.jobs
            )
        level = logging.INFO if report.changes else logging.DEBUG
        log.log(
            level, "%s: %d changes in %d jobs read on %d pages, %d notices; next look in %s",
            report.account, report.changes, report.jobs, report.pages, report.notices, report.next_in,
        )  # fmt: skip

    def _once(self, text: str) -> None:
        """Log each distinct trouble once."""
        log.log(logging.DEBUG if text in self._logged else logging.WARNING, "%s: %s", self.account, text)
        self._logged.add(text)
