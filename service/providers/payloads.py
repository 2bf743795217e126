"""Provider payloads to our records, tolerant of everything seen in the wild.

Keys may be missing, null or of another type, unknown keys and statuses appear, `error` on a healthy job is
null, absent, `{}` or an object of nulls. Only a job without an id is unusable. Sources: OpenAI's API
reference (August 2026), the Azure OpenAI REST examples, and responses published by users.
"""

import base64
import binascii
import contextlib
import csv
import io
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from service import clock, model
from service.rules import plain, reading

_JSON = Mapping[str, Any]
# Seconds: year 2286. A larger number is milliseconds, as some gateways send.
_LATEST_SECONDS = 10_000_000_000
_LATEST = datetime.fromtimestamp(_LATEST_SECONDS, UTC)
_EARLIEST = datetime.fromtimestamp(0, UTC)
# Longer integers are no field of ours, and Python reads none of more than 4300.
_MOST_DIGITS = 1000


def parsed(content: bytes) -> Any:
    """The value of a JSON text; numbers that no JSON text may hold, or that Python refuses to read, are null.

    Raises ValueError or RecursionError for what is no JSON.
    """
    try:
        value = json.loads(content, parse_float=_real_of, parse_constant=_no_number)
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer of thousands of digits in one field must not cost all the others
        value = json.loads(content, parse_float=_real_of, parse_constant=_no_number, parse_int=_integer_of)
    if b"\\ud" in content.lower():
        # Half of a surrogate pair is no character and no database keeps it: a question mark stands for it.
        value = json.loads(plain.json_text(value).encode("utf-8", "replace"))
    return value


def _no_number(_word: str) -> None:
    """NaN and Infinity."""


def _real_of(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _integer_of(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def item(payload: object) -> model.Item | None:
    """A listing's entry, or None when it has no usable id."""
    if not isinstance(payload, dict) or not (job_id := _text(payload, "id")):
        return None
    return model.Item(job_id=job_id, created_at=_time(payload, "created_at"), raw=plain.json_text(payload))


def job(account: str, raw: str) -> model.Job:
    """The job in `raw`, the JSON text of an object with an id."""
    payload = json.loads(raw)
    status = _text(payload, "status") or "missing"
    error, method = _mapping(payload, "error"), _mapping(payload, "method")
    return model.Job(
        account=account,
        job_id=str(payload["id"]),
        status=status,
        state=reading.state_of(status),
        raw=raw,
        model=_text(payload, "model"),
        fine_tuned_model=_text(payload, "fine_tuned_model"),
        suffix=_suffix(payload),
        method=_text(method, "type"),
        created_at=_time(payload, "created_at"),
        finished_at=_time(payload, "finished_at"),
        estimated_finish=_time(payload, "estimated_finish"),
        trained_tokens=_integer(payload, "trained_tokens"),
        error_code=_text(error, "code"),
        error_message=_text(error, "message"),
        error_param=_text(error, "param"),
        organization_id=_text(payload, "organization_id"),
        training_file=_text(payload, "training_file"),
        validation_file=_text(payload, "validation_file"),
        result_files=tuple(name for name in _list(payload, "result_files") if isinstance(name, str)),
        seed=_integer(payload, "seed"),
        hyperparameters=_hyperparameters(payload, method),
        metadata=_mapping(payload, "metadata"),
    )


def event(payload: object) -> model.Event | None:
    """One event, or None when it has no usable id."""
    if not isinstance(payload, dict) or not (event_id := _text(payload, "id")):
        return None
    data = payload.get("data")
    return model.Event(
        event_id=event_id,
        created_at=_time(payload, "created_at"),
        level=_text(payload, "level"),
        type=_text(payload, "type"),
        message=_text(payload, "message") or "",
        data=plain.json_text(data) if data else None,
    )


def metric(payload: object) -> model.Metric | None:
    """The measures that an event carries, if it carries any."""
    data = _mapping(payload, "data") if isinstance(payload, dict) else {}
    return _metric(data)


def checkpoint(payload: object) -> model.Checkpoint | None:
    """One checkpoint, or None when it has no usable id."""
    if not isinstance(payload, dict) or not (checkpoint_id := _text(payload, "id")):
        return None
    metrics = _mapping(payload, "metrics")
    full, partial = _real(metrics, "full_valid_loss"), _real(metrics, "valid_loss")
    return model.Checkpoint(
        checkpoint_id=checkpoint_id,
        created_at=_time(payload, "created_at"),
        step=_integer(payload, "step_number"),
        model=_text(payload, "fine_tuned_model_checkpoint"),
        train_loss=_real(metrics, "train_loss"),
        valid_loss=full if full is not None else partial,
        raw=plain.json_text(payload),
    )


def listed_model(payload: object) -> model.ListedModel | None:
    """One entry of the list of models, or None when it has no usable id."""
    if not isinstance(payload, dict) or not (name := _text(payload, "id")):
        return None
    return model.ListedModel(name=name, shutdown_date=_day(payload, "shutdown_date"))


def results(content: bytes) -> tuple[model.Metric, ...]:
    """The metrics in a result file: CSV, which OpenAI wraps in base64 and others do not."""
    with contextlib.suppress(binascii.Error):  # then it is the CSV itself: commas are no base64
        content = base64.b64decode(b"".join(content.split()), validate=True)
    # A byte order mark is no part of the first heading, and line ends are the reader's business.
    table = csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace"), newline=""))
    try:
        read = [_metric({name: _cell(cell) for name, cell in row.items() if name}) for row in table]
    except csv.Error:
        return ()  # no table; such a file holds nothing for us
    return tuple(found for found in read if found)


def _metric(data: _JSON) -> model.Metric | None:
    step = _integer(data, "step")
    if step is None:
        return None
    measured = {
        "train_loss": _real(data, "train_loss"),
        "train_accuracy": _real(data, "train_mean_token_accuracy", "train_accuracy"),
        "valid_loss": _real(data, "valid_loss"),
        "valid_accuracy": _real(data, "valid_mean_token_accuracy", "valid_accuracy"),
        "full_valid_loss": _real(data, "full_valid_loss"),
        "full_valid_accuracy": _real(data, "full_valid_mean_token_accuracy"),
        "reward": _real(data, "train_mean_reward") if "train_mean_reward" in data else _scored(data, "train"),
        "valid_reward": _real(data, "full_validation_mean_reward", "valid_mean_reward"),
    }
    return model.Metric(step=step, **measured) if any(value is not None for value in measured.values()) else None


def _scored(data: _JSON, part: str) -> float | None:
    """Reinforcement jobs nest their measures under `scores`."""
    return _real(_mapping(data, "scores"), f"{part}_mean_reward")


def _suffix(payload: _JSON) -> str | None:
    """OpenAI calls it `user_provided_suffix`, Azure `suffix`; a succeeded job shows it in the model's name."""
    given = _text(payload, "user_provided_suffix") or _text(payload, "suffix")
    name = (_text(payload, "fine_tuned_model") or "").split(":")
    # ft:base-model:organisation:suffix:id
    return given or (name[3] or None if len(name) == 5 and name[0] == "ft" else None)


def _hyperparameters(payload: _JSON, method: _JSON) -> _JSON:
    """Those of the method where it has its own (DPO, reinforcement), else the job's."""
    own = _mapping(_mapping(method, _text(method, "type") or ""), "hyperparameters")
    return own or _mapping(payload, "hyperparameters")


def _text(payload: _JSON, key: str) -> str | None:
    value = payload.get(key)
    return value if isinstance(value, str) and value else None


def _mapping(payload: _JSON, key: str) -> dict[str, Any]:
    value = payload.get(key)
    return value if isinstance(value, dict) else {}


def _list(payload: _JSON, key: str) -> list[Any]:
    value = payload.get(key)
    return value if isinstance(value, list) else []


def _integer(payload: _JSON, key: str) -> int | None:
    value = payload.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # SQLite keeps 64 bits.
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def _real(payload: _JSON, *keys: str) -> float | None:
    for key in keys:
        value = payload.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            with contextlib.suppress(OverflowError):
                return float(value) if math.isfinite(value) else None
    return None


def _cell(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _day(payload: _JSON, key: str) -> date | None:
    """The day of `YYYY-MM-DD`, which reads as a time at midnight, or of any other time."""
    when = _time(payload, key)
    return when.date() if when else None


def _time(payload: _JSON, key: str) -> datetime | None:
    """A time in Unix seconds or ISO-8601. 0 and the year 1 stand for none, as do times no job can have."""
    value = payload.get(key)
    try:
        if isinstance(value, str):
            when = clock.from_text(value).replace(microsecond=0)
        elif (seconds := _real(payload, key)) is not None:
            when = datetime.fromtimestamp(int(seconds / 1000 if seconds > _LATEST_SECONDS else seconds), UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return when if _EARLIEST < when < _LATEST else None
