"""Whether a model that was made just now can really be used."""

import dataclasses
from datetime import timedelta

from service import errors, model
from service.rules import notices, patience, plain
from service.watcher import course, surroundings, telling

# The rest waits for the next pass.
_CHECKS_PER_PASS = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Finding:
    listed: bool
    answered: bool | None = None
    reason: str | None = None


class Checks:
    """Looks up the models of jobs that succeeded lately, until each is there or counts as missing.

    Trouble with one ends the checks of this pass, never the pass: they are made at a later one.
    """

    def __init__(self, tell: telling.Telling, around: surroundings.Surroundings, budget: course.Budget) -> None:
        self._telling = tell
        self._around = around
        self._budget = budget
        self._now = tell.now

    def look(self) -> None:
        if not self._telling.wanted(model.Kind.MODEL_CHECK):
            return
        # What was to be looked up long ago, before a channel stopped asking for it, is no news any more.
        since = self._now - patience.MODEL_NEWS_FOR
        due = self._around.record.models_due(self._telling.account, since, self._now, _CHECKS_PER_PASS)
        for job in due:
            if not self._budget.left():
                return
            self._check(job)

    def _check(self, job: model.Job) -> None:
        age = max(self._now - (job.finished_at or self._now), timedelta(0))
        pause = patience.until_model_is_there(age)
        orders: tuple[model.Order, ...] = ()
        # Nothing is asked, least of all for money, if the rules of all channels leave this job out.
        if job.fine_tuned_model and self._orders(job, _Finding(listed=True)):
            try:
                found = self._find(job.fine_tuned_model, last=pause is None)
            except (errors.Transient, errors.Permanent) as error:
                pause = self._in_trouble(job, error, pause, age)
            else:
                if found:
                    orders, pause = self._orders(job, found), None
        due_at = self._now + pause if pause and job.fine_tuned_model else None
        self._around.record.model_checked(job.account, job.job_id, due_at, orders)
        self._telling.wrote(len(orders))

    def _find(self, name: str, *, last: bool) -> _Finding | None:
        """What is to be told of the model; None when it may still come. Raises what ports.Provider raises."""
        provider = self._around.provider
        try:
            provider.model(name)
        except errors.NotFound:
            # Some providers tell of no single model, but list them.
            if not last or name not in {each.name for each in provider.models()}:
                return _Finding(listed=False) if last else None
        return self._asked(name, last=last) if self._around.model_question else _Finding(listed=True)

    def _asked(self, name: str, *, last: bool) -> _Finding | None:
        try:
            self._around.provider.ask(name)
        except (errors.Transient, errors.NotFound) as error:
            # A new model takes its time to be loaded.
            return _Finding(listed=True, answered=False, reason=str(error)) if last else None
        except errors.Permanent as error:
            return _Finding(listed=True, answered=False, reason=str(error))
        return _Finding(listed=True, answered=True)

    def _in_trouble(
        self, job: model.Job, error: errors.TunewatchError, pause: timedelta | None, age: timedelta
    ) -> timedelta | None:
        """The pause before the next look, if there is one; that a model cannot be looked up says nothing of it."""
        self._budget.stop()
        if not pause and age < patience.MODEL_NEWS_FOR:
            pause = patience.LONGEST_RETRY
        name = plain.line(job.fine_tuned_model, 120)
        self._around.trouble(f"model {name} cannot be looked up: {error}", cause=f"model: {error}")
        return pause

    def _orders(self, job: model.Job, found: _Finding) -> tuple[model.Order, ...]:
        facts = self._telling.facts(job)
        return self._telling.orders(notices.of_model(job, facts=facts, now=self._now, **dataclasses.asdict(found)))
