"""The past of an account: jobs that had ended before we looked. Their courses are read job by job, for nobody waits."""

import dataclasses
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from service import clock, errors, model, ports
from service.rules import causes, compare, patience, plain
from service.watcher import course

log = logging.getLogger(__name__)

# So many set aside at once mean that hardly any job can be read; then it is waited for the first of them.
_MOST_ASIDE = 1000
# What has not come to its end in so many pieces of PAST_BUDGET each is no long course but one without an end.
_MOST_PIECES = 10


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a pass did: how many courses were `read` to their end, how many jobs turned out to be `gone`.

    `left`: how many jobs there still are. `next_in`: from the end of this pass to the start of the next. `trouble`: the
    sentence for the owner when there was any. `denied`: what a job that counts as read all the same does not have,
    because we are not let read it.
    """

    account: str
    read: int = 0
    gone: int = 0
    left: int
    next_in: timedelta
    trouble: str | None = None
    denied: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Aside:
    """A job that could not be read, or not to its end.

    How often so far, when it has its turn again, on the steady clock, and why, None for one that is just long.
    """

    times: int
    until: float
    reason: str | None


class Past:
    """Reads the past of one account, a job at each pass, the newest first.

    What it remembers itself, and would try once more without it: which jobs could not be read, and what was logged.
    Any number of them, in any number of processes, may be at work on the same account.
    """

    def __init__(
        self,
        account: str,
        *,
        provider: ports.Provider,
        record: ports.Record,
        backlog: ports.Backlog,
        time: clock.Clock,
        pace: patience.Pace = patience.GENTLE,
    ) -> None:
        self.account = account
        self._provider = provider
        self._record = record
        self._backlog = backlog
        self._time = time
        self._pace = pace
        self._aside: dict[str, _Aside] = {}
        self._failures = 0
        self._refused = False
        self._begun = False
        self._troubles = causes.Told()

    def left(self, since: datetime | None = None) -> int:
        """How many jobs created since then are still to be read."""
        return self._backlog.left(self.account, since)

    def read(self, now: datetime, since: datetime | None = None) -> Report:
        """One pass: the course of one job, or a piece of it. `since`: of jobs that were created since then only.

        A provider that cannot be read is part of the job: it ends in the report, never in an exception.
        """
        record = self._record.account(self.account)
        if record.baseline_at is None or record.failing_since:
            # An address or a key that is wrong would have all jobs pass for gone.
            reason = record.last_error or "its jobs were not all seen yet."
            return self._report(since, next_in=patience.PAST_NOT_YET, trouble=reason)
        resting = {key: aside for key, aside in self._aside.items() if aside.until > self._time.monotonic()}
        if len(resting) < _MOST_ASIDE and (job := self._backlog.newest(self.account, since, resting)):
            self._begin()
            report = self._read(job, now, since)
            return report if report.left else self._end(since, report)
        if resting and self.left(since):
            first = min(resting.values(), key=lambda aside: aside.until)
            pause = timedelta(seconds=first.until - self._time.monotonic())
            return self._report(since, next_in=pause, trouble=first.reason)
        return self._end(since, self._report(since, next_in=patience.PAST_EVERY))

    def _begin(self) -> None:
        if not self._begun:
            log.info("%s: the past is read, little by little: %s", self.account, plain.count(self.left(), "job"))
        self._begun = True

    def _end(self, since: datetime | None, report: Report) -> Report:
        if self._begun and not since:
            log.info("%s: all of the past is read", self.account)
        self._begun = False
        self._aside.clear()
        return dataclasses.replace(report, next_in=patience.PAST_EVERY)

    def _read(self, job: model.Job, now: datetime, since: datetime | None) -> Report:
        began = self._time.monotonic()
        budget = course.Budget(self._time, patience.PAST_BUDGET)
        reading = course.Reading(self._provider, self._record, job, budget)
        read = reading.read()
        trouble: errors.TunewatchError | None = (
            reading.trouble or _confusion(job, reading) or self._refusal(job, reading)
        )
        gone = False
        try:
            gone = trouble is None and self._is_gone(job, reading)
        except (errors.Transient, errors.Refused) as error:
            trouble = error
        took = timedelta(seconds=self._time.monotonic() - began)
        self._keep(job, dataclasses.replace(read, complete=read.complete and not trouble and not gone), now)
        if gone:
            self._record.gone(self.account, [job.job_id], now)
            log.info("%s: the provider no longer has job %s", self.account, plain.line(job.job_id, 120))
        if trouble:
            return self._troubled(job, trouble, now, since)
        self._failures = 0
        rest = self._pace.rest(took)
        if not (read.complete or gone):
            return self._report(since, next_in=rest, trouble=self._set_aside(job, rest))
        self._aside.pop(job.job_id, None)
        return self._report(since, read=not gone, gone=gone, next_in=rest, denied=self._denied(reading, now))

    def _keep(self, job: model.Job, read: model.Course, now: datetime) -> None:
        if read == model.Course():
            return
        dated = compare.with_course(job, read)
        # A provider that does not date the end of a job, as of failed ones, has said something at its end.
        last = max((event.created_at for event in read.events if event.created_at), default=None)
        self._backlog.keep(
            self.account, job.job_id, read, now,
            started_at=dated.started_at if dated.started_at != job.started_at else None,
            finished_at=last if read.complete and not job.finished_at else None,
        )  # fmt: skip

    def _is_gone(self, job: model.Job, reading: course.Reading) -> bool:
        """Whether the provider does not have the job: some have no events at all, so those alone do not tell."""
        if not _denied(reading, course.Part.EVENTS, errors.NotFound):
            return False
        try:
            self._provider.retrieve(job.job_id)
        except errors.NotFound:
            return True
        except errors.Refused:
            raise
        except errors.Permanent:
            return False
        return False

    def _refusal(self, job: model.Job, reading: course.Reading) -> errors.Permanent | None:
        """Why a job does not count as read although its reading came to an end.

        Gateways refuse now and then. A key that may not read files says so for two jobs in a row.
        """
        if refused := _denied(reading, course.Part.EVENTS, errors.Refused):
            return refused
        refused = _denied(reading, course.Part.RESULTS, errors.Refused)
        before = self._refused
        if refused or job.result_files:
            self._refused = refused is not None
        return None if before else refused

    def _denied(self, reading: course.Reading, now: datetime) -> str | None:
        refused = next((error for _, error in reading.denied if isinstance(error, errors.Refused)), None)
        if refused and self._troubles.is_news(f"denied: {refused}", now):
            log.warning("%s: what its key may not read of the past counts as read: %s", self.account, refused)
        return str(refused) if refused else None

    def _troubled(
        self, job: model.Job, trouble: errors.TunewatchError, now: datetime, since: datetime | None
    ) -> Report:
        self._failures += 1
        reason = str(trouble)
        asked = trouble.retry_after if isinstance(trouble, errors.RateLimited) else None
        news = self._troubles.is_news(reason, now)
        log.log(logging.WARNING if news else logging.DEBUG, "%s: the past: %s", self.account, trouble)
        pause = max(patience.pause(self._failures, luck=0.5), asked or timedelta(0))
        if not isinstance(trouble, errors.RateLimited):
            self._set_aside(job, pause, reason)
        return self._report(since, next_in=pause, trouble=reason)

    def _set_aside(self, job: model.Job, pause: timedelta, reason: str | None = None) -> str | None:
        """It may be the one job that cannot be read, or has no end: after the pause the others come first.

        `reason`: why it could not be read; without one it got on, and that turns into one after too many pieces.
        Returns what it has come to.
        """
        before = self._aside.get(job.job_id)
        times = before.times + 1 if before else 1
        failures = times if reason else max(times - _MOST_PIECES, 1)
        if not reason and times > _MOST_PIECES:
            reason = f"the events of job {plain.line(job.job_id, 120)} have no end so far; more of them later."
        until = self._time.monotonic() + (pause + patience.until_return(failures)).total_seconds()
        self._aside[job.job_id] = _Aside(times=times, until=until, reason=reason)
        return reason

    def _report(
        self, since: datetime | None, *, next_in: timedelta, read: bool = False, gone: bool = False,
        trouble: str | None = None, denied: str | None = None,
    ) -> Report:  # fmt: skip
        return Report(
            account=self.account, read=int(read), gone=int(gone), left=self.left(since), next_in=next_in,
            trouble=trouble, denied=denied,
        )  # fmt: skip


def _confusion(job: model.Job, reading: course.Reading) -> errors.Permanent | None:
    """What we cannot understand today, a later version may."""
    if reading.confused is None:
        return None
    return errors.Permanent(
        f"the course of job {plain.line(job.job_id, 120)} cannot be understood: {reading.confused!r}"
    )


def _denied(reading: course.Reading, part: course.Part, kind: type[errors.Permanent]) -> errors.Permanent | None:
    """The first error of this kind that a part of the course met."""
    return next((error for of, error in reading.denied if of is part and isinstance(error, kind)), None)
