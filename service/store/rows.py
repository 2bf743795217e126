"""Records of the house to rows and back; rows do not leave this room."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from service import model
from service.rules import plain

_JSON_FIELDS = ("hyperparameters", "metadata", "result_files")
_PLAIN_FIELDS = (
    "job_id", "status", "state", "raw", "model", "fine_tuned_model", "suffix", "method", "created_at", "started_at",
    "finished_at", "estimated_finish", "trained_tokens", "error_code", "error_message", "error_param",
    "organization_id", "training_file", "validation_file", "seed",
)  # fmt: skip


def of_job(job: model.Job) -> dict[str, Any]:
    """The columns that come from the job itself."""
    row = {name: getattr(job, name) for name in _PLAIN_FIELDS}
    # An empty object or list says as little as a missing one.
    row.update({name: plain.json_text(getattr(job, name)) if getattr(job, name) else None for name in _JSON_FIELDS})
    return row


def to_job(account: str, row: Mapping[str, Any]) -> model.Job:
    """The job of a row of the job table."""
    fields = {name: row[name] for name in _PLAIN_FIELDS}
    fields["state"] = model.State(row["state"])
    return model.Job(
        account=account,
        hyperparameters=json.loads(row["hyperparameters"] or "{}"),
        metadata=json.loads(row["metadata"] or "{}"),
        result_files=tuple(json.loads(row["result_files"] or "[]")),
        **fields,
    )


def to_event(row: Mapping[str, Any]) -> model.Event:
    """The event of a row of the event table."""
    return model.Event(**{field.name: row[field.name] for field in dataclasses.fields(model.Event)})


def of_notice(notice: model.Notice) -> dict[str, Any]:
    """The columns of a notice."""
    return {
        "notice_id": notice.notice_id,
        "cause": notice.cause,
        "kind": notice.kind,
        "account": notice.account,
        "job_id": notice.job_id,
        "created_at": notice.created_at,
        "facts": plain.json_text(notice.facts),
    }


def to_notice(row: Mapping[str, Any]) -> model.Notice:
    """The notice of a row of the notice table."""
    return model.Notice(
        notice_id=row["notice_id"],
        cause=row["cause"],
        kind=model.Kind(row["kind"]),
        account=row["account"],
        job_id=row["job_id"],
        created_at=row["created_at"],
        facts=json.loads(row["facts"]),
    )
