"""One look at an account: its jobs read, compared with what is known, and what differs written down."""

import dataclasses
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from service import errors, model
from service.rules import compare, listing, notices, patience, plain
from service.watcher import checkpoints, course, modelcheck, reader, shutdowns, stalled, surroundings, telling

log = logging.getLogger(__name__)

# Jobs whose course is read at one pass besides those that changed; the rest wait for the next.
_COURSES_PER_PASS = 20
# Jobs written in one transaction after the first sight: reading a course takes time, and what is written can be told.
_PORTION = 10
_PAST_MARGIN = timedelta(days=1)
# Of jobs that belong into one line.
_NAMED = 10


class Look:
    """One pass over an account, at one moment. The counts say what it did so far, also when it breaks off."""

    def __init__(
        self,
        account: model.AccountRecord,
        now: datetime,
        around: surroundings.Surroundings,
        new_budget: Callable[[], course.Budget],
    ) -> None:
        self._account = account
        self._now = now
        self._around = around
        self._new_budget = new_budget
        self._budget = new_budget()
        self._telling = telling.Telling(account.name, now, around)
        self.pages = self.jobs = self.changes = 0
        self._unreadable = 0

    @property
    def notices(self) -> int:
        return self._telling.count

    @property
    def late(self) -> list[model.Order]:
        """To be written with the end of the pass."""
        return self._telling.late

    @property
    def _first_sight(self) -> bool:
        return self._account.baseline_at is None

    def run(self, *, full: bool) -> model.AccountRecord:
        """The account's record after a whole pass. Raises errors.Transient or errors.Permanent when it breaks off.

        The watermark and the end of the first sight stand in the result only: what was not read to its end
        must not hide what stood behind.
        """
        account, around = self._account, self._around
        since = account.full_read_at
        everything = full or not since or abs(self._now - since) >= patience.FULL_READ_EVERY
        walk = listing.Walk(None if everything else account.watermark, around.most_pages)
        unfinished = around.record.unfinished(account.name)
        reading = reader.Reader(account.name, around.provider, around.record, around.trouble, around.memory)
        for page in reading.pages(walk, unfinished):
            self._keep_unreadable(page)
            self.pages += 1
            self.jobs += len(page.items)
            # A provider that does not keep to the size of a page may answer with all it has.
            for items in _portions(page.items, listing.PAGE_SIZE):
                self._take(items, model.Source.LIST)
        retrieved = set()
        for item in reading.retrieved(unfinished.keys() - walk.seen, self._now):
            retrieved.add(item.job_id)
            self._take([item], model.Source.RETRIEVE)
        self._tell_of_gone(reading.gone)
        self._catch_up()
        self._judge(walk)
        if everything and walk.seen and walk.at_end and not self._unreadable:
            self._miss(walk.seen | retrieved)
        stalled.Stalls(self._telling, around).look()
        modelcheck.Checks(self._telling, around, self._new_budget()).look()
        whole = everything or not walk.newest_first
        return dataclasses.replace(
            account,
            baseline_at=account.baseline_at or self._now,
            # A job from the future must not hide those that come until then.
            watermark=min(walk.newest, self._now) if walk.newest else account.watermark,
            full_read_at=self._now if whole else account.full_read_at,
            models_read_at=shutdowns.Shutdowns(self._telling, around).look(account.models_read_at),
        )

    def _take(self, items: Sequence[model.Item], source: model.Source) -> None:
        """Compare the items with what is known and write what differs, in a few transactions."""
        raws = self._around.record.raws(self._account.name, [item.job_id for item in items])
        changed = {item.job_id: item for item in items if raws.get(item.job_id) != item.raw}
        # At the first sight hardly a course is read, and there may be a hundred thousand jobs.
        for items in _portions(list(changed.values()), listing.PAGE_SIZE if self._first_sight else _PORTION):
            self._write(items, source)

    def _write(self, items: Sequence[model.Item], source: model.Source) -> None:
        record, account = self._around.record, self._account.name
        known = record.known(account, [item.job_id for item in items])
        updates = []
        for item in items:
            try:
                updates.append(self._update(known.get(item.job_id), item, source))
            except errors.TunewatchError:
                raise
            except Exception as surprise:  # noqa: BLE001 - one bad item must not stop a pass
                # Whatever a payload does to us, the other jobs go on. It is tried again at the next pass.
                record.keep_unreadable(account, [item.raw], self._now)
                self._around.trouble(
                    f"job {plain.line(item.job_id, 120)} cannot be understood ({surprise!r}); kept raw, tried again",
                    cause=f"not understood: {surprise!r}",
                )
        record.record(account, updates, self._now)
        self._note(updates)

    def _update(self, known: model.Job | None, item: model.Item, source: model.Source) -> model.Update:
        read_now = self._around.provider.read(item)
        seen = compare.merge(known, read_now, now=self._now, baseline=self._first_sight)
        silent = self._is_past(read_now) if known is None else self._is_hearsay(known, read_now)
        source = model.Source.BASELINE if self._first_sight else source
        change = compare.change(known, seen, now=self._now, source=source)
        if change is None and known and seen.result_files != known.result_files:
            # The result came later than the success: read it at this pass's catching up.
            return model.Update(job=seen, course=model.Course(), course_due_at=self._now)
        if change is None or (silent and seen.state.ended):
            # A job of the past has no course to read; otherwise when to read it stays as it was.
            return model.Update(job=seen, change=change)
        kind = None if silent else self._announcement(known, seen)
        read = course.Reading(self._around.provider, self._around.record, seen, self._budget).read()
        job = compare.with_course(seen, read)
        return model.Update(
            job=job,
            change=change,
            course=read,
            course_due_at=self._course_due(job, read),
            model_due_at=self._now if kind is model.Kind.SUCCEEDED and self._checks_models() else None,
            orders=self._orders(kind, job, read) if kind else (),
        )

    def _checks_models(self) -> bool:
        return self._telling.wanted(model.Kind.MODEL_CHECK)

    def _announcement(self, known: model.Job | None, seen: model.Job) -> model.Kind | None:
        kind = compare.announcement(known, seen)
        if known or kind not in compare.MILESTONES:
            return kind
        # Met for the first time, it has been on its way for long unless it was created since we look.
        since = self._account.baseline_at
        return kind if since and (seen.created_at or self._now) >= since - _PAST_MARGIN else None

    def _orders(self, kind: model.Kind, job: model.Job, read: model.Course) -> tuple[model.Order, ...]:
        notice = notices.of_step(kind, job, facts=self._telling.facts(job, read), now=self._now)
        return self._telling.orders(notice) if kind in compare.MILESTONES else (self._telling.order(notice),)

    def _is_past(self, job: model.Job) -> bool:
        """Whether a job met for the first time ended before our time.

        After the first sight, one that ended long before it is past as well: then the first sight was not shown
        everything. A day's margin, because clocks differ and a notice too many is better than one too few.
        """
        if self._account.baseline_at is None:
            window = self._around.first_run
            return not compare.is_recent(job, self._now - window if window else None)
        since = self._account.baseline_at - max(_PAST_MARGIN, self._around.first_run or timedelta(0))
        ended = job.finished_at or job.created_at
        return job.state.ended and ended is not None and ended < since

    def _is_hearsay(self, known: model.Job, seen: model.Job) -> bool:
        """Whether a job known as unfinished ended before our time: it is known from an imported history only.

        Both must lie before it, with the margin as above: the end by the provider's own word, and the last change that
        is known. What we saw unfinished ourselves is told of, whatever time the provider gives.
        """
        # Of a first sight that broke off, its beginning counts: what it saw unfinished was seen since.
        first = self._account.baseline_at or self._account.failing_since or self._now
        since = first - max(_PAST_MARGIN, self._around.first_run or timedelta(0))
        ended = seen.finished_at
        if known.state.ended or not seen.state.ended or ended is None or ended >= since:
            return False
        return self._around.record.last_changes(known.account, [known.job_id]).get(known.job_id, since) < since

    def _catch_up(self) -> None:
        """Read the course of jobs that run, and of those whose reading was cut short."""
        budget, around = self._new_budget(), self._around
        with_checkpoints = self._telling.wanted(model.Kind.CHECKPOINT)
        for job in around.record.course_due(self._account.name, self._now, _COURSES_PER_PASS):
            if not budget.left():
                return
            read = course.Reading(around.provider, around.record, job, budget, checkpoints=with_checkpoints).read()
            merged = compare.with_course(job, read)
            update = model.Update(
                job=merged,
                course=read,
                course_due_at=self._course_due(merged, read),
                orders=checkpoints.orders(self._telling, around.record, merged, read, since=self._account.baseline_at),
            )
            around.record.record(self._account.name, [update], self._now)
            self._note([update])

    def _course_due(self, job: model.Job, read: model.Course) -> datetime | None:
        if job.state.ended and read.complete:
            return None
        return self._now + self._around.interval * patience.COURSE_INTERVALS

    def _judge(self, walk: listing.Walk) -> None:
        """What is odd about the listing as a whole."""
        trouble = self._around.trouble
        if walk.repeated:
            trouble("its listing repeats a page; reading stopped there. Jobs behind it cannot be seen.")
        if walk.endless:
            trouble(f"its listing has no end; reading stopped after {plain.count(walk.pages, 'page')}.")
        if walk.seen or self._unreadable:
            return
        if count := self._around.record.count(self._account.name):
            known = f"{plain.count(count, 'job')} {'is' if count == 1 else 'are'} known"
            trouble(f"lists no jobs at all, though {known}: is it the key of the same project?")

    def _miss(self, met: Collection[str]) -> None:
        """Of ended jobs nobody waits for news, so that those which the provider no longer has are marked only."""
        if missing := self._around.record.unlisted(self._account.name, met, self._now):
            log.info(
                "%s: the provider no longer lists %s that had ended; history stays",
                self._account.name, plain.count(missing, "job"),
            )  # fmt: skip

    def _tell_of_gone(self, gone: Sequence[str]) -> None:
        """One notice and one line for all of a pass: with the wrong key, all jobs go at once."""
        if not gone:
            return
        record, account = self._around.record, self._account.name
        order = self._order_about(sorted(gone), since=self._now, reason=None)
        record.gone(account, gone, self._now, [order])
        self._telling.wrote(1)
        log.warning(
            "%s: the provider no longer has %s: %s; history stays, not asked for any more",
            account, plain.count(len(gone), "job"), _named(gone),
        )  # fmt: skip

    def unread(self) -> list[model.Order]:
        """What has to be told of jobs that could not be read by their ids for so long."""
        memory = self._around.memory
        jobs = memory.to_tell(self._now, self._around.blind_after)
        if not jobs:
            return []
        since = min(memory.unread[job_id] for job_id in jobs)
        return [self._order_about(jobs, since=since, reason=memory.reason)]

    def _order_about(self, job_ids: Sequence[str], *, since: datetime, reason: str | None) -> model.Order:
        account = self._account.name
        known = self._around.record.known(account, job_ids)
        jobs = [known[job_id] for job_id in job_ids]
        return self._telling.order(notices.of_jobs(account, jobs, since=since, reason=reason, now=self._now))

    def _keep_unreadable(self, page: model.Page) -> None:
        self._unreadable += len(page.unreadable)
        if page.unreadable:
            self._around.record.keep_unreadable(self._account.name, page.unreadable, self._now)
            self._around.trouble(f"{len(page.unreadable)} jobs in its listing have no usable id; kept raw")

    def _note(self, updates: Iterable[model.Update]) -> None:
        """Count, wake those who deliver, and log."""
        self._telling.wrote(sum(len(update.orders) for update in updates))
        for update in updates:
            if update.change is None:
                continue
            self.changes += 1
            level = logging.DEBUG if self._first_sight else logging.INFO
            job = update.job
            was, status = (plain.line(each, 80) for each in (update.change.from_status or "new", job.status))
            log.log(level, "%s: job %s: %s -> %s", job.account, plain.line(job.job_id, 120), was, status)
            if job.state is model.State.UNKNOWN:
                self._around.trouble(f"status {status!r} is not known here; such jobs count as unfinished")


def _portions(items: Sequence[model.Item], size: int) -> Iterator[Sequence[model.Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _named(job_ids: Sequence[str]) -> str:
    shown = ", ".join(plain.line(job_id, 120) for job_id in job_ids[:_NAMED])
    return shown if len(job_ids) <= _NAMED else f"{shown}, …"
