"""What a digest tells, read from the history."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service import clock
from service.store import schema

Row = dict[str, Any]

_JOB = """a.name AS account, j.job_id, j.suffix, j.model, j.fine_tuned_model, j.status, j.state, j.method, j.metadata,
        j.created_at, j.started_at, j.finished_at"""
# When we saw the end counts, not when it was: what ended while nobody watched is in the next digest. Only of what had
# ended at the first sight of its account, the time of the end decides.
_ENDED = sa.text(f"""
    SELECT {_JOB}, j.trained_tokens, j.error_code, j.error_message, c.observed_at,
        (SELECT m.train_loss FROM metric m WHERE m.job_pk = j.id AND m.train_loss IS NOT NULL
         ORDER BY m.step DESC LIMIT 1) AS train_loss,
        (SELECT COALESCE(m.full_valid_loss, m.valid_loss) FROM metric m
         WHERE m.job_pk = j.id AND COALESCE(m.full_valid_loss, m.valid_loss) IS NOT NULL
         ORDER BY m.step DESC LIMIT 1) AS valid_loss
    FROM status_change c JOIN job j ON j.id = c.job_pk JOIN account a ON a.id = j.account_pk
    WHERE a.active = 1 AND c.observed_at > :since AND c.observed_at <= :until AND j.{schema.ENDED}
        AND c.id = (SELECT max(l.id) FROM status_change l WHERE l.job_pk = j.id)
        AND (c.source <> 'baseline' OR j.finished_at > :since)
    ORDER BY CASE j.state WHEN 'failed' THEN 0 WHEN 'succeeded' THEN 1 ELSE 2 END, c.observed_at, j.id""")
_UNFINISHED = sa.text(f"""
    SELECT {_JOB},
        (SELECT max(c.observed_at) FROM status_change c WHERE c.job_pk = j.id) AS since,
        (SELECT max(e.created_at) FROM event e WHERE e.job_pk = j.id) AS last_event_at
    FROM job j JOIN account a ON a.id = j.account_pk
    WHERE a.active = 1 AND j.first_seen_at <= :until AND {schema.UNFINISHED}
    ORDER BY since, j.id""")
_BLIND = sa.text(
    "SELECT name, failing_since AS since, last_error AS reason FROM account "
    "WHERE active = 1 AND blind_at IS NOT NULL ORDER BY name"
)


def summary(
    connection: sa.Connection, since: datetime, until: datetime, stalled_since: datetime
) -> dict[str, list[Row]]:
    """See ports.Queue.summary."""
    ended = _rows(connection, _ENDED.bindparams(since=clock.to_text(since), until=clock.to_text(until)))
    unfinished = _rows(connection, _UNFINISHED.bindparams(until=clock.to_text(until)))
    stalled = clock.to_text(stalled_since)
    stuck = [max(row["since"] or "", row["last_event_at"] or "") <= stalled for row in unfinished]
    return {
        "ended": ended,
        "running": [row for row, still in zip(unfinished, stuck, strict=True) if not still],
        "stuck": [row for row, still in zip(unfinished, stuck, strict=True) if still],
        "blind": _rows(connection, _BLIND),
    }


def _rows(connection: sa.Connection, query: sa.TextClause) -> list[Row]:
    found = [dict(row) for row in connection.execute(query).mappings()]
    return [{**row, "metadata": json.loads(row["metadata"] or "{}")} if "metadata" in row else row for row in found]
