"""Collecting what a world holds when its last daemon has ended: the provider's side, the database, the receivers."""

from collections import defaultdict
from collections.abc import Iterator

from tests.torture import client, database
from tests.torture.facts import Delivery, Evidence, Job, Step
from tests.torture.points import DESTINATIONS
from tests.torture.world import World


def gathered(world: World) -> Evidence:
    """Everything the verdict needs."""
    path = world.database
    return Evidence(
        destinations=DESTINATIONS,
        generations=tuple(world.generations),
        arrivals=world.ledger.arrivals,
        jobs=tuple(_jobs(world)),
        deliveries=_deliveries(world),
        history=_history(world),
        event_ids=_event_ids(world),
        damage=database.damage(path),
    )


def _jobs(world: World) -> Iterator[Job]:
    """As the provider has them now; one that was removed there has no status any more."""
    status = {job["id"]: job["status"] for job in client.jobs(world.simulator.url)}
    for job_id, fate in world.fates.items():
        told = fate == "told"
        yield Job(
            job_id=job_id, fate=fate, status=status.get(job_id),
            event_ids=client.event_ids(world.simulator.url, job_id) if told else frozenset(),
        )  # fmt: skip
    for made in world.maker.made:
        yield Job(
            job_id=made.job_id, fate="told", status=status[made.job_id], course=made.course,
            event_ids=client.event_ids(world.simulator.url, made.job_id),
        )  # fmt: skip


def _deliveries(world: World) -> tuple[Delivery, ...]:
    rows = database.rows(world.database, "SELECT notice_id, channel, job_id, kind, state FROM notice_log")
    return tuple(
        Delivery(notice_id=notice, destination=channel, job_id=job, kind=kind, state=state)
        for notice, channel, job, kind, state in rows
    )


def _history(world: World) -> dict[str, tuple[Step, ...]]:
    sql = "SELECT job_id, from_status, to_status, observed_at FROM job_history ORDER BY change_id"
    steps = defaultdict(list)
    for job_id, before, after, observed_at in database.rows(world.database, sql):
        steps[job_id].append(Step(before=before, after=after, observed_at=observed_at))
    return {job_id: tuple(several) for job_id, several in steps.items()}


def _event_ids(world: World) -> dict[str, frozenset[str]]:
    found = defaultdict(set)
    for job_id, event_id in database.rows(world.database, "SELECT job_id, event_id FROM job_events"):
        found[job_id].add(event_id)
    return {job_id: frozenset(ids) for job_id, ids in found.items()}
