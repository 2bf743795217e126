"""What clients send: the order for a job, and uploaded files. Bad forms raise Refusal with status 400."""

import json
from email import message_from_bytes
from email.message import Message
from random import Random
from typing import Any, Final, NamedTuple

from .lives import Spec
from .wire import Refusal

_METHODS: Final = ("supervised", "dpo", "reinforcement")


def job_spec(body: bytes, rng: Random) -> Spec:
    """The order in the body of a create call; a seed not given is drawn."""
    given = _json_object(body)
    method = given.get("method") or {"type": "supervised"}
    if not isinstance(method, dict) or method.get("type") not in _METHODS:
        raise _invalid("method", f"'method.type' must be one of {', '.join(_METHODS)}.")
    details = _optional(method, method["type"], dict) or {}
    seed = _optional(given, "seed", int)
    return Spec(
        model=_required(given, "model"),
        training_file=_required(given, "training_file"),
        validation_file=_optional(given, "validation_file", str),
        suffix=_suffix(given),
        seed=rng.getrandbits(31) if seed is None else seed,
        method=method["type"],
        hyperparameters=_hyperparameters(details) or _hyperparameters(given),
        grader=_optional(details, "grader", dict),
        metadata=_metadata(given),
        integrations=tuple(_optional(given, "integrations", list) or ()),
    )


class Question(NamedTuple):
    """What a model is asked: so many tokens, to be answered in at most `limit`."""

    model: str
    tokens: int
    limit: int | None


def question(body: bytes) -> Question:
    """The question in the body of a chat completion."""
    given = _json_object(body)
    model, messages = _required(given, "model"), _optional(given, "messages", list)
    if not messages:
        raise _missing("messages")
    limit = _optional(given, "max_completion_tokens", int) or _optional(given, "max_tokens", int)
    words = [word for said in messages if isinstance(said, dict) for word in str(said.get("content")).split()]
    return Question(model, len(words), limit)


class Upload(NamedTuple):
    filename: str
    purpose: str
    content: bytes


def upload(content_type: str, body: bytes) -> Upload:
    """The file in a multipart form."""
    form = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.walk()}
    for name in ("file", "purpose"):
        if name not in parts:
            raise _missing(name)
    filename = parts["file"].get_filename() or "upload"
    return Upload(filename, _content(parts["purpose"]).decode().strip(), _content(parts["file"]))


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refusal(400, "We could not parse the JSON body of your request: an object is expected.")
    return given


def _required(given: dict[str, Any], name: str) -> str:
    value: str | None = _optional(given, name, str)
    if not value:
        raise _missing(name)
    return value


def _optional(given: dict[str, Any], name: str, kind: type) -> Any:
    value = given.get(name)
    if value is not None and not isinstance(value, kind):
        raise _invalid(name, f"Invalid type for '{name}': expected {kind.__name__}.")
    return value


def _hyperparameters(given: dict[str, Any]) -> dict[str, Any]:
    hyperparameters: dict[str, Any] | None = _optional(given, "hyperparameters", dict)
    return hyperparameters or {}


def _suffix(given: dict[str, Any]) -> str | None:
    suffix: str | None = _optional(given, "suffix", str)
    if suffix is not None and not 1 <= len(suffix) <= 64:
        raise _invalid("suffix", "'suffix' must have 1 to 64 characters.")
    return suffix


def _metadata(given: dict[str, Any]) -> dict[str, str] | None:
    metadata: dict[str, str] | None = _optional(given, "metadata", dict)
    if metadata and (len(metadata) > 16 or not all(isinstance(value, str) for value in metadata.values())):
        raise _invalid("metadata", "'metadata' must have at most 16 keys, with strings as values.")
    return metadata


def _missing(name: str) -> Refusal:
    message = f"Missing required parameter: '{name}'."
    return Refusal(400, message, param=name, code="missing_required_parameter")


def _invalid(name: str, message: str) -> Refusal:
    return Refusal(400, message, param=name, code="invalid_value")
