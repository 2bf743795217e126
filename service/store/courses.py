"""Writing a job's course, inside the transaction of the look that read it."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from service import model
from service.store import schema

METRIC_FIELDS = tuple(field.name for field in dataclasses.fields(model.Metric) if field.name != "step")
# SQLite takes a limited number of values in one statement, and some providers give all they have in one answer.
_PIECE = 1000
_REMARKS = 50


def pieces(ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids in portions that one statement can ask for."""
    rest = iter(ids)
    while piece := list(itertools.islice(rest, _PIECE)):
        yield piece


def write(connection: sa.Connection, job_pk: int, course: model.Course) -> None:
    """What of the course is not there yet."""
    _add_missing(connection, schema.event, "event_id", job_pk, course.events)
    _add_missing(connection, schema.checkpoint, "checkpoint_id", job_pk, course.checkpoints)
    if course.metrics:
        _write_metrics(connection, job_pk, course.metrics)


def _write_metrics(connection: sa.Connection, job_pk: int, metrics: Iterable[model.Metric]) -> None:
    """Add new steps, and to known ones what was not measured before; of two values for one the first counts.

    What is known already is not written again.
    """
    table = schema.metric
    query = sa.select(table).where(table.c.job_pk == job_pk)
    known = {row["step"]: dict(row) for row in connection.execute(query).mappings()}
    merged: dict[int, dict[str, Any]] = {}
    for metric in metrics:
        row = merged.setdefault(metric.step, dict.fromkeys(METRIC_FIELDS))
        row.update({name: getattr(metric, name) for name, value in row.items() if value is None})
    new = [{"job_pk": job_pk, "step": step, **row} for step, row in merged.items() if step not in known]
    if new:
        connection.execute(table.insert(), new)
    changed = []
    for step in merged.keys() & known.keys():
        old = {name: known[step][name] for name in METRIC_FIELDS}
        both = {name: merged[step][name] if value is None else value for name, value in old.items()}
        if both != old:
            changed.append({**both, "at_step": step})
    if changed:
        at_step = (table.c.job_pk == job_pk) & (table.c.step == sa.bindparam("at_step"))
        values: dict[str, Any] = {name: sa.bindparam(name) for name in METRIC_FIELDS}
        connection.execute(table.update().where(at_step).values(values), changed)


def _add_missing(connection: sa.Connection, table: sa.Table, id_name: str, job_pk: int, records: Sequence[Any]) -> None:
    """Insert those of a job's records whose id is not there yet."""
    by_id = {getattr(record, id_name): record for record in records}
    known: set[str] = set()
    for ids in pieces(by_id):
        query = sa.select(table.c[id_name]).where(table.c.job_pk == job_pk, table.c[id_name].in_(ids))
        known.update(connection.execute(query).scalars())
    new = [
        {"job_pk": job_pk, **{field.name: getattr(record, field.name) for field in dataclasses.fields(record)}}
        for key, record in by_id.items()
        if key not in known
    ]
    if new:
        connection.execute(table.insert(), new)


def read(connection: sa.Connection, job_pk: sa.ScalarSelect[Any]) -> model.Course:
    """What is known of a job's course, and of its events those that a notice may repeat: warnings, errors, checks."""
    event, metric, checkpoint = schema.event, schema.metric, schema.checkpoint
    worth_telling = event.c.level.in_(["warn", "warning", "error"]) | (event.c.type == "moderation_checks")
    events = sa.select(event).where(event.c.job_pk == job_pk, worth_telling).order_by(event.c.id.desc()).limit(_REMARKS)
    metrics = sa.select(metric).where(metric.c.job_pk == job_pk).order_by(metric.c.step)
    checkpoints = sa.select(checkpoint).where(checkpoint.c.job_pk == job_pk).order_by(checkpoint.c.step)
    return model.Course(
        events=tuple(model.Event(**row) for row in _rows(connection, events))[::-1],
        metrics=tuple(model.Metric(**row) for row in _rows(connection, metrics)),
        checkpoints=tuple(model.Checkpoint(**row) for row in _rows(connection, checkpoints)),
        complete=True,
    )


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    """Without the numbers that are the tables' own."""
    found = connection.execute(query).mappings()
    return [{name: value for name, value in row.items() if name not in ("id", "job_pk")} for row in found]
