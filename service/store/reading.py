"""Questions to the history, through the public views; for health, to the tables. Rows come out as dictionaries."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from service import errors
from service.rules import plain
from service.store import views

Row = dict[str, Any]

_LAST_CHARACTER = "\U0010ffff"


class Reading:
    """Reads, never writes. Times are ISO-8601 UTC text, as in the views."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def jobs(self, *, limit: int, account: str | None = None, states: Iterable[str] = ()) -> list[Row]:
        """The newest jobs first."""
        query = views.listed(views.SUMMARY).order_by(views.SUMMARY.c.created_at.desc()).limit(limit)
        if account:
            query = query.where(views.SUMMARY.c.account == account)
        if wanted := list(states):
            query = query.where(views.SUMMARY.c.state.in_(wanted))
        return self._rows(query)

    def job(self, name: str, account: str | None = None) -> Row:
        """The one job with this id, tuned model or beginning of an id. Raises errors.NotFound."""
        # A range rather than LIKE, which ignores capitals and therefore the index.
        beginning = views.SUMMARY.c.job_id.between(name, name + _LAST_CHARACTER)
        for condition in (views.SUMMARY.c.job_id == name, views.SUMMARY.c.fine_tuned_model == name, beginning):
            query = views.listed(views.SUMMARY).where(condition).limit(6)
            found = self._rows(query.where(views.SUMMARY.c.account == account) if account else query)
            if len(found) > 1:
                listed = ", ".join(f"{plain.line(row['job_id'], 120)} ({row['account']})" for row in found[:5])
                raise errors.NotFound(f"{name!r} fits several jobs: {listed}. Give more of the id, or --account.")
            if found:
                return found[0]
        raise errors.NotFound(f"No job {name!r} is recorded. `tunewatch jobs` lists those that are.")

    def raw(self, job: Row) -> Any:
        """The provider's own object, as it was last seen."""
        view = views.SUMMARY
        query = sa.select(view.c.raw).where(view.c.account == job["account"], view.c.job_id == job["job_id"])
        return self._rows(query)[0]["raw"]

    def history(self, *, job: Row | None = None, account: str | None = None, limit: int) -> list[Row]:
        """Status changes, newest first."""
        query = self._of(views.HISTORY, job).order_by(views.HISTORY.c.change_id.desc()).limit(limit)
        # Joined to an empty text, the name serves no index: walking from the newest change until the page is full
        # beats collecting and sorting all changes of the account.
        return self._rows(query.where(views.HISTORY.c.account.concat("") == account) if account else query)

    def events(self, *, job: Row, limit: int) -> list[Row]:
        """The job's newest events, oldest first."""
        newest_first = self._of(views.EVENTS, job).order_by(
            views.EVENTS.c.created_at.desc(), views.EVENTS.c.event_seq.desc()
        )
        return self._rows(newest_first.limit(limit))[::-1]

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
