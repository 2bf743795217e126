"""A job's events, oldest first.

Wording and order follow live OpenAI jobs (August 2026). An event, once shown, never changes: its id derives
from its place in the job's life, and what happens to the job later only adds to the end.
"""

from collections.abc import Iterator
from typing import NamedTuple

from . import curves, lives
from .failures import Failure
from .ids import derived
from .lives import Life, Step, Stretch
from .payloads import JSON, fine_tuned_model


class Event(NamedTuple):
    """One event before it has an id. `at` is in Unix seconds."""

    at: float
    message: str
    level: str = "info"
    type: str = "message"
    data: JSON | None = None


def events(life: Life, now: float) -> list[JSON]:
    """Every event so far, oldest first, as the API shows them."""
    return [_payload(life, place, event) for place, event in enumerate(_course(life, now))]


def _payload(life: Life, place: int, event: Event) -> JSON:
    return {
        "object": "fine_tuning.job.event",
        "id": derived("ftevent-", life.id, place),
        "created_at": int(event.at),
        "level": event.level,
        "message": event.message,
        "type": event.type,
        "data": {} if event.data is None else event.data,
    }


def _course(life: Life, now: float) -> Iterator[Event]:
    begun = lives.reached(life, now)
    run = curves.training(life.spec)
    reported = [step for step in lives.steps(life, now, run.total_steps) if run.reports(step.number)]
    for place, stretch in enumerate(begun):
        yield from _messages(life, begun[:place], stretch)
        yield from (_metrics(run, step) for step in reported if step.stretch == place)


def _messages(life: Life, before: tuple[Stretch, ...], stretch: Stretch) -> Iterator[Event]:
    """What is said when a status begins."""
    if stretch.status == "failed" and life.failure is not None:
        yield from _failed(life, life.failure, stretch.since)
        return
    again = any(earlier.status == stretch.status for earlier in before)
    for message in _wording(life, stretch.status, again):
        yield Event(stretch.since, message)


def _wording(life: Life, status: str, again: bool) -> tuple[str, ...]:
    match status:
        case "validating_files":
            files = ", ".join(filter(None, (life.spec.training_file, life.spec.validation_file)))
            return f"Created fine-tuning job: {life.id}", f"Validating training file: {files}"
        case "queued":
            return ("Fine-tuning job resumed" if again else "Files validated, moving job to queued state",)
        case "running":
            return ("Fine-tuning job continues" if again else "Fine-tuning job started",)
        case "succeeded":
            return (
                f"New fine-tuned model created: {fine_tuned_model(life)}",
                "The job has successfully completed",
            )
        case _:
            return (f"Fine-tuning job {status}",)


def _failed(life: Life, failure: Failure, at: float) -> Iterator[Event]:
    if failure.warning is not None:
        yield Event(at, failure.warning, level="warn")
    if failure.after_training:
        data: JSON = {"blocked": True, "results": [{"category": "harassment/threatening", "blocked": True}]}
        message = f"Moderation checks for snapshot {fine_tuned_model(life)} failed."
        yield Event(at, message, level="warn", type="moderation_checks", data=data)
    yield Event(at, failure.message, level="error")


def _metrics(run: curves.Training, step: Step) -> Event:
    shown = curves.measure(run, step.number)
    data: JSON = {"step": step.number, "total_steps": run.total_steps, **shown}
    progress = f"Step {step.number}/{run.total_steps}"
    if not run.reinforcement:
        return Event(step.at, f"{progress}: {_said_losses(shown)}", type="metrics", data=data)
    said = ", ".join(f"{name.replace('_', ' ')}={value:.2f}" for name, value in shown.items())
    return Event(step.at, f"{progress} , {said}", type="metrics", data=data | _reward_details(run, shown))


def _said_losses(shown: dict[str, float]) -> str:
    names = {"training": "train_loss", "validation": "valid_loss", "full validation": "full_valid_loss"}
    return ", ".join(f"{word} loss={shown[name]:.2f}" for word, name in names.items() if name in shown)


def _reward_details(run: curves.Training, shown: dict[str, float]) -> JSON:
    """The nested part of a reinforcement job's metrics."""
    tokens = run.batch_size * run.tokens_per_example
    return {
        "usage": {"samples": run.batch_size, "train_mean_reasoning_tokens": tokens // run.batch_size},
        "errors": {"sampling": 0, "grading": 0},
        "scores": {"train": {"mean": shown["train_mean_reward"]}},
        "timing": {"sampling_seconds": round(tokens / 900, 2), "training_seconds": round(tokens / 2500, 2)},
    }
