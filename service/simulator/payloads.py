"""A life at a given time as the API shows it: the job, its checkpoints, its files, the models.

Shapes: OpenAI API reference, August 2026, with the known ways in which live responses differ from it.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from . import curves, lives
from .ids import derived
from .lives import Life, Step

JSON: TypeAlias = dict[str, Any]

_GRADER: Final[JSON] = {
    "type": "string_check",
    "name": "exact answer",
    "input": "{{sample.output_text}}",
    "reference": "{{item.answer}}",
    "operation": "eq",
}
_NULL_ERROR: Final[JSON] = {"code": None, "message": None, "param": None}


def job(life: Life, now: float) -> JSON:
    spec, status = life.spec, lives.status_at(life, now)
    succeeded = status == "succeeded"
    shown: JSON = {
        "object": "fine_tuning.job",
        "id": life.id,
        "model": spec.model,
        "created_at": int(life.created_at),
        # Live failed and cancelled jobs carry null here, whatever the reference says.
        "finished_at": int(life.course[-1].since) if succeeded else None,
        "fine_tuned_model": fine_tuned_model(life) if succeeded else None,
        "organization_id": life.organization_id,
        "result_files": [result_file_id(life)] if succeeded else [],
        "status": status,
        "validation_file": spec.validation_file,
        "training_file": spec.training_file,
        "trained_tokens": curves.training(spec).tokens if succeeded else None,
        "error": _error(life, status),
        "user_provided_suffix": spec.suffix,
        "seed": spec.seed,
        "estimated_finish": _estimated_finish(life, now),
        "integrations": list(spec.integrations),
        "metadata": spec.metadata,
        "usage_metrics": None,
        "shared_with_openai": False,
        "method": _method(life, now),
    }
    return shown | _outer_hyperparameters(shown["method"])


def _error(life: Life, status: str) -> Mapping[str, str | None]:
    if status == "failed" and life.failure is not None:
        return life.failure.error
    return dict(_NULL_ERROR) if life.spec.method == "dpo" else {}


def _estimated_finish(life: Life, now: float) -> int | None:
    """As unreliable as the real one: null, 0, or too late, and still there when the job has ended."""
    started = lives.started_at(life, now)
    if started is None or life.spec.seed % 4 == 0:
        return None
    return 0 if life.spec.seed % 4 == 1 else int(started + life.training_seconds * 1.25) + 1


def _method(life: Life, now: float) -> JSON:
    spec = life.spec
    shown: JSON = {**curves.AUTO_HYPERPARAMETERS[spec.method], **spec.hyperparameters}
    if lives.started_at(life, now) is not None:
        shown = curves.training(spec).hyperparameters(shown)
    details: JSON = {"hyperparameters": shown}
    if spec.method == "reinforcement":
        details |= {"grader": dict(spec.grader or _GRADER), "response_format": None}
    return {"type": spec.method, spec.method: details}


def _outer_hyperparameters(method: JSON) -> JSON:
    """The older place of the hyperparameters: null for DPO, absent for reinforcement."""
    if method["type"] == "reinforcement":
        return {}
    supervised = method.get("supervised")
    return {"hyperparameters": supervised and dict(supervised["hyperparameters"])}


def fine_tuned_model(life: Life) -> str:
    """The name the tuned model has, or would have."""
    return f"{_model_prefix(life)}:{derived('', life.id, 'model', length=8)}"


def _model_prefix(life: Life) -> str:
    return f"ft:{life.spec.model}:{life.organization_id.removeprefix('org-')}:{life.spec.suffix or ''}"


def checkpoints(life: Life, now: float) -> list[JSON]:
    """Those of the last three completed epochs, oldest first."""
    run = curves.training(life.spec)
    ends = [step for step in lives.steps(life, now, run.total_steps) if run.ends_epoch(step.number)]
    return [_checkpoint(life, step, curves.measure(run, step.number)) for step in ends[-3:]]


def _checkpoint(life: Life, step: Step, metrics: dict[str, float]) -> JSON:
    number = step.number
    tail = derived("", life.id, "checkpoint", number, length=8)
    return {
        "object": "fine_tuning.job.checkpoint",
        "id": derived("ftckpt_", life.id, number),
        "created_at": int(step.at),
        "fine_tuned_model_checkpoint": f"{_model_prefix(life)}:{tail}:ckpt-step-{number}",
        "fine_tuning_job_id": life.id,
        "metrics": {"step": number, **metrics},
        "step_number": number,
    }


def completion(*, id: str, model: str, created_at: float, tokens: int, limit: int | None) -> JSON:
    """An answer of a model, which has learnt one sentence; cut off behind `limit` tokens."""
    words = ["Nothing", "new", "to", "tell", "."][:limit]
    cut = limit is not None and limit <= len(words)
    return {
        "id": id,
        "object": "chat.completion",
        "created": int(created_at),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": " ".join(words), "refusal": None},
                "logprobs": None,
                "finish_reason": "length" if cut else "stop",
            }
        ],
        "usage": {
            "prompt_tokens": tokens,
            "completion_tokens": len(words),
            "total_tokens": tokens + len(words),
        },
    }


def result_file_id(life: Life) -> str:
    return derived("file-", life.id, "results", length=22)


def result_content(life: Life) -> bytes:
    """The result file as OpenAI serves it: CSV, base64-encoded."""
    return b64encode(curves.result_csv(curves.training(life.spec)).encode())


def result_file(life: Life) -> JSON:
    return file(
        id=result_file_id(life),
        created_at=life.course[-1].since,
        filename="step_metrics.csv",
        purpose="fine-tune-results",
        size=len(result_content(life)),
    )


def file(*, id: str, created_at: float, filename: str, purpose: str, size: int) -> JSON:
    return {
        "object": "file",
        "id": id,
        "purpose": purpose,
        "filename": filename,
        "bytes": size,
        "created_at": int(created_at),
        "expires_at": None,
        "status": "processed",
        "status_details": None,
    }


# By the model's name, in place of the dates below; None takes a date back.
Shutdowns: TypeAlias = Mapping[str, str | None]


def _shutdown(shutdowns: Shutdowns, name: str) -> JSON:
    return {"shutdown_date": shutdowns[name]} if name in shutdowns else {}


# The date on which OpenAI shuts these and what was tuned on them down (announcement of 2026).
_SHUT_DOWN: Final = {"shutdown_date": "2027-01-14"}
BASE_MODELS: Final[Mapping[str, JSON]] = {
    name: {"id": name, "object": "model", "created": created, "owned_by": "system", **shutdown}
    for name, created, shutdown in (
        ("gpt-4o-2024-08-06", 1722814719, _SHUT_DOWN),
        ("gpt-4o-mini-2024-07-18", 1721172717, _SHUT_DOWN),
        ("gpt-4.1-2025-04-14", 1744315746, _SHUT_DOWN),
        ("gpt-4.1-mini-2025-04-14", 1744317547, _SHUT_DOWN),
        ("gpt-4.1-nano-2025-04-14", 1744321025, {"shutdown_date": None}),
        ("o4-mini-2025-04-16", 1744133506, {}),
    )
}


def base_models(shutdowns: Shutdowns) -> list[JSON]:
    return [shown | _shutdown(shutdowns, name) for name, shown in BASE_MODELS.items()]


def tuned_model(life: Life, shutdowns: Shutdowns) -> JSON:
    """The model of a succeeded job; it is shut down when its base model is, unless it has a date of its own."""
    base, name = life.spec.model, fine_tuned_model(life)
    return (
        BASE_MODELS.get(base, {})
        | _shutdown(shutdowns, base)
        | _shutdown(shutdowns, name)
        | {
            "id": name,
            "object": "model",
            "created": int(life.course[-1].since),
            "owned_by": life.organization_id,
        }
    )
