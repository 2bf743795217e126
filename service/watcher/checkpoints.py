"""What is to be told of the checkpoints that a running job makes."""

from datetime import datetime

from service import model, ports
from service.rules import notices
from service.watcher import telling


def orders(
    tell: telling.Telling, record: ports.Record, job: model.Job, read: model.Course, *, since: datetime | None
) -> tuple[model.Order, ...]:
    """One for each checkpoint that was not known, in the order of their steps.

    Not of a job that has ended, nor of what was made before `since`, when the account was first seen (None: it is
    being seen for the first time).
    """
    if not read.checkpoints or job.state.ended or not since:
        return ()
    ids = [each.checkpoint_id for each in read.checkpoints]
    known = record.known_checkpoints(job.account, job.job_id, ids)
    made = [
        each for each in read.checkpoints if each.checkpoint_id not in known and (each.created_at or tell.now) >= since
    ]
    if not made:
        return ()
    facts = tell.facts(job, read)
    told = [
        notices.of_checkpoint(job, each, facts=facts, now=tell.now)
        for each in sorted(made, key=lambda each: each.step or 0)
    ]
    return tuple(order for notice in told for order in tell.orders(notice))
