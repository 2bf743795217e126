"""The watch itself: one schedule, a member for each account and each destination, one supervisor."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.events import EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from service import errors, model, wiring
from service.daemon import alarm
from service.rules import notices, patience
from service.upkeep import upkeep
from service.watcher import past as studying
from service.watcher import watcher as watching

_Work = Callable[[], timedelta | None]

log = logging.getLogger(__name__)

# Deliveries are started when something is queued; this is for what nobody announced, such as a changed clock.
_DELIVERY_ROUND = timedelta(minutes=1)
# The scheduler goes by the wall clock; beyond this difference to the steady one, everything is planned anew.
_CLOCK_JUMP_SECONDS = 30
_STOP_SECONDS = 8


class MemberDied(Exception):
    """The daemon cannot go on: its database is gone or damaged, or a part of it failed; the log has the details."""


class Daemon:
    """Runs the app until told to stop.

    `on_pass` is told of every finished poll pass (the demo draws from it).
    """

    def __init__(self, app: wiring.App, *, on_pass: Callable[[watching.Report], None] | None = None) -> None:
        self._app = app
        self._on_pass = on_pass
        self._wakes = {_delivery(destination): threading.Event() for destination in app.destinations}
        self._died = threading.Event()
        self._doom: str | None = None
        self._stopping = threading.Event()
        self._busy = 0
        self._idle = threading.Condition()
        self._troubles: set[str] = set()
        self._alarm = alarm.Alarm(app.settings.poll.blind_after)
        self._pasts = {past.account: _past(past) for past in app.pasts}
        members = len(app.watchers) + len(app.destinations) + len(app.pasts) + 2
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(members)},
            # Late is better than never, once is enough, and nothing overtakes itself.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )

    def run(self, stop: threading.Event) -> bool:
        """Watch until `stop` is set; True when every member had ended by the time this returns.

        Raises MemberDied when it cannot go on.
        """
        # Whoever starts us has mended something, or hopes that it mended itself.
        self._hurry()
        self._plan_members()
        self._scheduler.add_listener(self._after, EVENT_JOB_EXECUTED)
        self._scheduler.start()
        log.info(
            "watching %s; notices go to %s",
            ", ".join(watcher.account for watcher in self._app.watchers),
            ", ".join(each.name for each in self._app.destinations) or "nobody",
        )
        try:
            self._supervise(stop)
        finally:
            ended = self._end()
        if self._died.is_set():
            raise MemberDied("tunewatch has ended, because it cannot go on like this; the log above says why.")
        return ended

    # -- supervision --------------------------------------------------------------------------------------------

    def _supervise(self, stop: threading.Event) -> None:
        offset = self._clock_offset()
        while not stop.wait(1.0) and not self._died.is_set():
            if problem := self._mishap():
                # Into a file that nobody sees, everything can be written; it would be lost with us.
                self._give_up(problem)
                return
            if abs(self._clock_offset() - offset) > _CLOCK_JUMP_SECONDS:
                offset = self._clock_offset()
                log.warning("the clock was set, or the machine slept; looking at everything now")
                self._hurry()
                for job in self._scheduler.get_jobs():
                    self._plan(job.id)

    def _mishap(self) -> str | None:
        """What befell the files of the database: nothing that trying again would mend."""
        try:
            return self._app.lease.problem()
        except errors.Damaged as damage:
            return str(damage)

    def _clock_offset(self) -> float:
        return self._now().timestamp() - self._app.clock.monotonic()

    def _end(self) -> bool:
        """In reverse order and bounded: no new passes, requests cut off, the running passes waited for."""
        with self._idle:
            self._stopping.set()
        self._scheduler.shutdown(wait=False)
        for provider in self._app.providers:
            provider.close()
        with self._idle:
            ended = self._idle.wait_for(lambda: self._busy == 0, timeout=_STOP_SECONDS)
        if self._doom:
            self._tell_everybody(self._doom)
        log.info("stopped" if ended else "stopped; a request that did not end in time was left behind")
        return ended

    def _give_up(self, problem: str) -> None:
        """The database is gone for good, as far as we can tell."""
        with self._idle:
            first, self._doom = self._doom is None, self._doom or problem
        if first:
            log.critical("%s", problem)
        self._died.set()

    def _tell_everybody(self, problem: str) -> None:
        """Past the database, and all at once: who hangs keeps nobody from hearing it."""
        notice = notices.of_database(model.Kind.WATCH_FAILING, since=self._now(), reason=problem, now=self._now())
        tellers = [
            threading.Thread(target=self._app.outbox.tell, args=[destination, notice], daemon=True)
            for destination in self._app.destinations
        ]
        for each in tellers:
            each.start()
        end = self._app.clock.monotonic() + _STOP_SECONDS
        for each in tellers:
            each.join(max(0.0, end - self._app.clock.monotonic()))

    # -- members ------------------------------------------------------------------------------------------------

    def _plan_members(self) -> None:
        poll = self._app.settings.poll
        for watcher in self._app.watchers:
            self._add(f"poll {watcher.account}", partial(self._poll, watcher), poll.interval)
        for past in self._app.pasts:
            # Brought forward when the account was seen: with a wrong address all of it would pass for gone.
            self._add(_past(past), partial(self._study, past), patience.PAST_NOT_YET, first=patience.PAST_EVERY)
        for destination in self._app.destinations:
            self._add(_delivery(destination), partial(self._deliver, destination), _DELIVERY_ROUND)
        if any(each.channel.digest_at for each in self._app.destinations):
            # What ended while nobody watched has to be seen first.
            self._add("digests", self._digests, _DELIVERY_ROUND, first=_DELIVERY_ROUND)
        self._add("upkeep", self._upkeep, upkeep.EVERY)

    def _add(self, name: str, work: _Work, every: timedelta, *, first: timedelta = timedelta(0)) -> None:
        self._scheduler.add_job(
            self._guarded, "interval", args=[name, work], id=name, seconds=every.total_seconds(),
            next_run_time=datetime.now(UTC) + first,
        )  # fmt: skip

    def _guarded(self, name: str, work: _Work) -> timedelta | None:
        """A member's main: foreseen trouble is logged once and tried again, anything else ends the daemon.

        The pause that the member wants until its next run; None leaves it to its usual rhythm.
        """
        with self._idle:
            if self._stopping.is_set():
                return None
            self._busy += 1
        try:
            return work()
        except errors.Damaged as error:
            self._app.lease.abandon()
            self._give_up(str(error))
        except errors.StoreTrouble as error:
            self._trouble(name, str(error))
        except errors.Stopped:
            pass
        except Exception:
            log.critical("%s: failed in an unforeseen way; please report this", name, exc_info=True)
            self._died.set()
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()
        return None

    def _trouble(self, name: str, words: str) -> None:
        """The database gives trouble to a member: said once, since one disk that is full troubles every one of them."""
        # First of all: who reads of it in the log asks `tunewatch health` next.
        self._app.lease.note(words)
        with self._idle:
            news = words not in self._troubles
            self._troubles.add(words)
        log.log(logging.ERROR if news else logging.DEBUG, "%s: %s", name, words)

    def _after(self, event: JobExecutionEvent) -> None:
        """Plan a member's next run. Not in the run itself: until it is over, the scheduler drops every other."""
        if event.retval is not None:
            self._plan(event.job_id, event.retval)
        # What was queued while the member was running could not start it.
        if event.job_id in self._wakes and self._wakes[event.job_id].is_set():
            self._plan(event.job_id)

    def _poll(self, watcher: watching.Watcher) -> timedelta:
        began = self._app.clock.monotonic()
        try:
            report = watcher.poll(self._now(), queued=self._wake)
        except errors.StoreTrouble as error:
            # Whoever delivers tells of it, each to its own destination.
            self._alarm.trouble(str(error), self._now())
            self._wake()
            raise
        self._fine()
        if report.problem is None and (past := self._pasts.pop(watcher.account, None)):
            self._plan(past)
        if self._on_pass:
            self._on_pass(report)
        # From the start of the pass to the start of the next: a long pass must not stretch the interval.
        return max(report.next_in - timedelta(seconds=self._app.clock.monotonic() - began), timedelta(0))

    def _study(self, past: studying.Past) -> timedelta:
        return past.read(self._now()).next_in

    def _fine(self) -> None:
        """A pass was written down whole, so the database can be used."""
        self._app.lease.note(None)
        if self._troubles:
            self._troubles.clear()
            log.info("the database can be used again")
            # Receipts may wait to be written.
            self._wake()
        if self._alarm.fine():
            self._wake()

    def _deliver(self, destination: model.Destination) -> timedelta | None:
        self._wakes[_delivery(destination)].clear()
        if notice := self._alarm.due(destination.key, self._now()):
            self._app.outbox.tell(destination, notice)
        report = self._app.outbox.deliver(destination, self._now(), go_on=lambda: not self._stopping.is_set())
        if report.queued:
            self._wake()
        return min(report.next_due - self._now(), _DELIVERY_ROUND) if report.next_due else None

    def _wake(self) -> None:
        for name, wake in self._wakes.items():
            wake.set()
            self._plan(name)

    def _hurry(self) -> None:
        try:
            self._app.outbox.hurry(self._now())
        except errors.StoreTrouble as error:
            log.error("%s", error)

    def _digests(self) -> None:
        if self._app.digests.keep(self._now()):
            self._wake()

    def _upkeep(self) -> None:
        self._app.upkeep.keep(self._now(), go_on=lambda: not self._stopping.is_set())

    def _plan(self, name: str, pause: timedelta = timedelta(0)) -> None:
        # Under the lock that a stop takes first: a scheduler that was shut down knows no jobs.
        with self._idle:
            if not self._stopping.is_set():
                # The scheduler's clock is the machine's, whatever clock the app goes by.
                self._scheduler.modify_job(name, next_run_time=datetime.now(UTC) + pause)

    def _now(self) -> datetime:
        return self._app.clock.now()


def _past(past: studying.Past) -> str:
    return f"past {past.account}"


def _delivery(destination: model.Destination) -> str:
    return f"deliver {destination.key}"
