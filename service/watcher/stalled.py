"""Jobs of which nothing is heard any more."""

from datetime import datetime

from service import model
from service.rules import notices, patience, stalling
from service.watcher import surroundings, telling


class Stalls:
    """Looks, without asking the provider anything, which unfinished jobs are silent for too long.

    A job is looked at when its silence can have become news, not at every pass.
    """

    def __init__(self, tell: telling.Telling, around: surroundings.Surroundings) -> None:
        self._telling = tell
        self._around = around
        self._silences = around.silences
        self._now = tell.now
        self._courses_apart = 2 * patience.COURSE_INTERVALS * around.interval
        self._looking_since = self._silences.looked(self._now, self._courses_apart)

    def look(self) -> None:
        if not self._telling.wanted(model.Kind.STALLED):
            return
        record, account, after = self._around.record, self._telling.account, self._around.stalled_after
        ids = self._silences.to_look_at(record.unfinished(account).keys(), self._now, after)
        changes = record.last_changes(account, ids) if ids else {}
        self._silences.noted |= {job_id: changed_at + after for job_id, changed_at in changes.items()}
        silent = [job_id for job_id, changed_at in changes.items() if self._now - changed_at >= after]
        jobs = record.known(account, silent) if silent else {}
        for job in jobs.values():
            self._telling.late += self._orders(job, changes[job.job_id])

    def _orders(self, job: model.Job, changed_at: datetime) -> tuple[model.Order, ...]:
        read_at, event = self._around.record.last_heard(job.account, job.job_id)
        found = stalling.silence(changed_at, event, read_at=read_at, now=self._now, unheard=self._is_unheard(read_at))
        after = self._around.stalled_after
        level = stalling.level(found.length, after)
        self._silences.noted[job.job_id] = stalling.next_look(found.since, level, stalled_after=after, now=self._now)
        if level is None:
            return ()
        facts = self._telling.facts(job)
        return self._telling.orders(notices.of_stall(job, found, level=level, facts=facts, now=self._now))

    def _is_unheard(self, read_at: datetime | None) -> bool:
        """Whether we have tried for long, and in vain, to read the events of a job."""
        long = max(self._around.stalled_after, self._courses_apart)
        return self._now - max(self._looking_since, read_at or self._looking_since) >= long
