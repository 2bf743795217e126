"""Questions to the history, through the public views; for health, to the tables. Rows come out as dictionaries."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from service import clock, errors, model
from service.rules import plain
from service.store import views

Row = dict[str, Any]

_LAST_CHARACTER = "\U0010ffff"
# What jobs can be sorted by: each has an index, so that a page costs the same in any history.
SORTS = {
    "created": views.SUMMARY.c.created_at, "finished": views.SUMMARY.c.finished_at,
    "changed": views.SUMMARY.c.last_changed_at, "tokens": views.SUMMARY.c.trained_tokens,
}  # fmt: skip
_NAMED = 5
# Among so many of the newest jobs, and of those whose id begins alike, the nearest names are looked for.
_NEAREST_AMONG = 500
# How much a name must be like the one that was asked for, from 0 to 1.
_LIKENESS = 0.8


class Reading:
    """Reads, never writes. Times are ISO-8601 UTC text, as in the views."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def jobs(
        self,
        *,
        limit: int,
        page: int = 1,
        account: str | None = None,
        states: Iterable[str] = (),
        model: str | None = None,
        suffix: str | None = None,
        metadata: Mapping[str, str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        sort: str = "created",
        ascending: bool = False,
    ) -> list[Row]:
        """A page of jobs, counted from 1; the newest first, or the largest value of one of SORTS.

        `model` and `suffix` are patterns, in which `*` and `?` stand for any characters. `since` and `until` bound the
        time of creation.
        """
        job, order = views.SUMMARY.c, SORTS[sort]
        by_creation = sort == "created"
        query = views.listed(views.SUMMARY)
        if account:
            query = query.where(_walked(job.account, not by_creation) == account)
        if wanted := list(states):
            # Few are unfinished; of the others there may be many, and collecting them all costs more than walking.
            rare = not {*wanted} & _ENDED
            query = query.where(_walked(job.state, not rare and not (by_creation and len(wanted) == 1)).in_(wanted))
        for column, pattern in ((job.model, model), (job.suffix, suffix)):
            if pattern and set("*?") & set(pattern):
                # GLOB knows a third sign, which stands for itself here.
                query = query.where(_walked(column).op("GLOB")(pattern.replace("[", "[[]")))
            elif pattern:
                query = query.where(_walked(column, not by_creation) == pattern)
        for key, value in (metadata or {}).items():
            query = query.where(_has(job.metadata, key, value))
        if since:
            query = query.where(_walked(job.created_at, not by_creation) >= clock.to_text(since))
        if until:
            query = query.where(_walked(job.created_at, not by_creation) < clock.to_text(until))
        if not by_creation:
            query = query.where(order.is_not(None))
        # What sorts alike comes in the order of the index, on every page the same: a second column would be sorted by.
        query = query.order_by(order.asc() if ascending else order.desc())
        return self._rows(query.limit(limit).offset((page - 1) * limit))

    def names(self, column: Literal["account", "model", "suffix"]) -> list[str]:
        """The values that there are in a column of job_summary; of accounts also those without jobs."""
        if column == "account":
            # They are few, and to find them among their jobs is to walk over all of these.
            return [row["name"] for row in self._rows(sa.text("SELECT name FROM account ORDER BY name"))]
        found = views.SUMMARY.c[column]
        return sorted(row[column] for row in self._rows(sa.select(found).where(found.is_not(None)).distinct()))

    def job(self, name: str, account: str | None = None) -> Row:
        """The one job with this id, tuned model or beginning of an id. Raises errors.NotFound, which names others."""
        # A range rather than LIKE, which ignores capitals and therefore the index.
        beginning = views.SUMMARY.c.job_id.between(name, name + _LAST_CHARACTER)
        for condition in (views.SUMMARY.c.job_id == name, views.SUMMARY.c.fine_tuned_model == name, beginning):
            found = self._some(condition, account, _NAMED + 1)
            if len(found) > 1:
                more = "\n  …" if len(found) > _NAMED else ""
                raise errors.NotFound(
                    f"{plain.line(name, 120)!r} fits several jobs:\n{_named(found[:_NAMED])}{more}\n"
                    "Give more of the id, or --account."
                )
            if found:
                return found[0]
        near = self._nearest(name, account)
        hint = f"The nearest are:\n{_named(near)}" if near else "`tunewatch jobs` lists those that are."
        raise errors.NotFound(f"No job {plain.line(name, 120)!r} is recorded. {hint}")

    def _nearest(self, name: str, account: str | None) -> list[Row]:
        """Jobs that may have been meant: of that suffix, or with an id or a model that looks like it."""
        job = views.SUMMARY.c
        if found := self._some(job.suffix == name, account, _NAMED):
            return found
        among = self.jobs(limit=_NEAREST_AMONG, account=account)
        for length in range(len(name) - 1, len(name) // 2, -1):
            start = name[:length]
            if alike := self._some(job.job_id.between(start, start + _LAST_CHARACTER), account, _NEAREST_AMONG):
                among += alike
                break
        by_name = {row[key]: row for row in among for key in ("suffix", "fine_tuned_model", "job_id") if row[key]}
        within = [each for each in by_name if name in each]
        near = [*within, *difflib.get_close_matches(name, by_name, n=_NAMED, cutoff=_LIKENESS)]
        return list({(row["account"], row["job_id"]): row for row in map(by_name.__getitem__, near)}.values())[:_NAMED]

    def _some(self, condition: sa.ColumnElement[bool], account: str | None, limit: int) -> list[Row]:
        query = views.listed(views.SUMMARY).where(condition).limit(limit)
        return self._rows(query.where(views.SUMMARY.c.account == account) if account else query)

    def raw(self, job: Row) -> Any:
        """The provider's own object, as it was last seen."""
        view = views.SUMMARY
        query = sa.select(view.c.raw).where(view.c.account == job["account"], view.c.job_id == job["job_id"])
        return self._rows(query)[0]["raw"]

    def history(
        self, *, limit: int | None, job: Row | None = None, account: str | None = None, since: datetime | None = None
    ) -> list[Row]:
        """Status changes, newest first. `limit`: None for all."""
        if account and account not in self.names("account"):
            return []  # rather than walk over all the changes of others
        change = views.HISTORY.c
        query = self._of(views.HISTORY, job).order_by(change.observed_at.desc(), change.change_id.desc()).limit(limit)
        if account:
            query = query.where(_walked(change.account) == account)
        if since:
            query = query.where(change.observed_at >= clock.to_text(since))
        return self._rows(query)

    def later(self, change_id: int, *, job: Row | None = None, account: str | None = None) -> list[Row]:
        """The status changes written down after that one, in their order."""
        change = views.HISTORY.c
        query = self._of(views.HISTORY, job).where(change.change_id > change_id).order_by(change.change_id)
        return self._rows(query.where(_walked(change.account) == account) if account else query)

    def last_change(self) -> int:
        """The number of the status change written down last, 0 when there is none."""
        found = self._rows(sa.select(sa.func.max(views.HISTORY.c.change_id).label("last")))
        return found[0]["last"] or 0

    def events(self, *, job: Row, limit: int | None, since: datetime | None = None) -> list[Row]:
        """The job's newest events, oldest first. `limit`: None for all."""
        event = views.EVENTS.c
        newest_first = self._of(views.EVENTS, job).order_by(event.created_at.desc(), event.event_seq.desc())
        if since:
            newest_first = newest_first.where(event.created_at >= clock.to_text(since))
        return self._rows(newest_first.limit(limit))[::-1]

    def last_error(self, job: Row) -> str | None:
        """The newest error in the job's own log."""
        event = views.EVENTS.c
        query = self._of(views.EVENTS, job).where(event.level == "error").order_by(event.created_at.desc()).limit(1)
        return next((row["message"] for row in self._rows(query)), None)

    def metrics(self, job: Row) -> list[Row]:
        """All steps in order."""
        return self._rows(self._of(views.METRICS, job).order_by(views.METRICS.c.step))

    def checkpoints(self, job: Row) -> list[Row]:
        """In the order of their steps."""
        return self._rows(self._of(views.CHECKPOINTS, job).order_by(views.CHECKPOINTS.c.step))

    def deliveries(
        self, *, limit: int, job: Row | None = None, states: Iterable[str] = (), notice_id: str | None = None
    ) -> list[Row]:
        """Newest first."""
        query = self._of(views.NOTICES, job).order_by(views.NOTICES.c.delivery_id.desc()).limit(limit)
        if notice_id:
            query = query.where(views.NOTICES.c.notice_id == notice_id)
        if wanted := list(states):
            query = query.where(views.NOTICES.c.state.in_(wanted))
            if "sent" not in wanted:
                # Says no more, but lets the index of what was not sent be used, which is small.
                query = query.where(sa.literal_column("state") != sa.literal_column("'sent'"))
        return self._rows(query)

    def accounts(self) -> list[Row]:
        """How each configured account fares."""
        return self._rows(sa.text("SELECT * FROM account WHERE active = 1 ORDER BY name"))

    def destinations(self, failed_since: str) -> list[Row]:
        """How each configured destination fares, how many deliveries wait, and how many were given up since."""
        query = sa.text("""
            SELECT t.*,
                (SELECT count(*) FROM delivery d
                 WHERE d.destination_pk = t.id AND d.state IN ('pending', 'sending')) AS waiting,
                (SELECT count(*) FROM delivery d
                 WHERE d.destination_pk = t.id AND d.state = 'failed' AND d.due_at >= :since) AS failed
            FROM destination t WHERE t.active = 1 ORDER BY channel, label""")
        return self._rows(query.bindparams(since=failed_since))

    def each_job(
        self, *, account: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Row]:
        """What statistics ask of every job created in that time, one after the other."""
        job = views.SUMMARY.c
        query = sa.select(
            job.account, job.model, job.fine_tuned_model, job.state, job.created_at, job.queued_seconds,
            job.running_seconds, job.trained_tokens,
        )  # fmt: skip
        if account:
            query = query.where(job.account == account)
        if since:
            query = query.where(job.created_at >= clock.to_text(since))
        if until:
            query = query.where(job.created_at < clock.to_text(until))
        with self._engine.connect() as connection:
            for row in connection.execute(query).mappings():
                yield dict(row)

    def process(self) -> Row | None:
        """The daemon that watches now, or watched last."""
        found = self._rows(sa.text("SELECT * FROM process"))
        return found[0] if found else None

    def _of(self, view: sa.TableClause, job: Row | None) -> sa.Select[Any]:
        query = views.listed(view)
        return query.where(view.c.account == job["account"], view.c.job_id == job["job_id"]) if job else query

    def _rows(self, query: sa.Executable) -> list[Row]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


_ENDED = {state.value for state in model.State if state.ended}


def _walked(column: sa.ColumnElement[Any], yes: bool = True) -> sa.ColumnElement[Any]:
    """The column so that its index is not used: then the index of the order is walked until the page is full.

    That beats collecting and sorting all the rows that fit, of which there may be a hundred thousand.
    """
    return column.concat("") if yes else column


def _has(metadata: sa.ColumnElement[Any], key: str, value: str) -> sa.ColumnElement[bool]:
    """Whether an object has this value under this key; not by a path, since a key may hold dots and quotes."""
    # At JSON that it cannot read, such as NaN in a database of other origin, SQLite would break off.
    readable = sa.case((sa.func.json_valid(metadata) == 1, metadata))
    entry = sa.func.json_each(readable).table_valued("key", "value", name="entry")
    return sa.select(sa.literal(1)).where(entry.c.key == key, sa.cast(entry.c.value, sa.Text) == value).exists()


def _named(jobs: Sequence[Row]) -> str:
    """One line for each, to choose from."""
    return "\n".join(
        "  " + "  ".join(plain.line(row[key], 120) for key in ("job_id", "state", "suffix", "account") if row[key])
        for row in jobs
    )
