"""What the measures of a training say: whether the model is good, and which checkpoint is best."""

from collections.abc import Sequence
from typing import Any

from service import model

# Of its lowest value; validation losses of small sets tremble by less.
_RISE = 1.05
_FEWEST_VALIDATIONS = 3
_MEASURES = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "reward", "valid_reward")


def results(metrics: Sequence[model.Metric]) -> dict[str, Any]:
    """The last value of each measure, the first ones under `first`, and the step of the last.

    Validation is not measured at every step; over the whole validation file counts more than over a batch of it.
    """
    ordered = sorted(metrics, key=lambda metric: metric.step)
    first: dict[str, float] = {}
    last: dict[str, float | int | None] = {"step": None, **dict.fromkeys(_MEASURES)}
    for metric in ordered:
        found = {name: value for name, value in _measured(metric).items() if value is not None}
        if found:
            first = {**found, **first}
            last.update(found, step=metric.step)
    return {**last, "first": first}


def valid_loss(metric: model.Metric) -> float | None:
    """Over the whole validation file where that was measured, else over a batch of it."""
    return metric.full_valid_loss if metric.full_valid_loss is not None else metric.valid_loss


def _measured(metric: model.Metric) -> dict[str, float | None]:
    accuracy = metric.full_valid_accuracy if metric.full_valid_accuracy is not None else metric.valid_accuracy
    return {
        "train_loss": metric.train_loss, "train_accuracy": metric.train_accuracy, "valid_loss": valid_loss(metric),
        "valid_accuracy": accuracy, "reward": metric.reward, "valid_reward": metric.valid_reward,
    }  # fmt: skip


def best_checkpoint(
    checkpoints: Sequence[model.Checkpoint], metrics: Sequence[model.Metric] = ()
) -> dict[str, Any] | None:
    """The checkpoint with the lowest validation loss, `last` when no later one exists; None when nothing tells.

    A loss that the checkpoint does not name is that of its step.
    """
    by_step = {metric.step: valid_loss(metric) for metric in metrics}
    judged = []
    for checkpoint in checkpoints:
        loss = checkpoint.valid_loss
        if loss is None and checkpoint.step is not None:
            loss = by_step.get(checkpoint.step)
        if loss is not None and checkpoint.step is not None:
            judged.append((loss, checkpoint.step, checkpoint))
    if not judged:
        return None
    loss, step, best = min(judged, key=lambda each: each[:2])
    last = max(each for _, each, _ in judged)
    return {"step": step, "model": best.model, "valid_loss": loss, "last": step == last}


def overfitting_since(metrics: Sequence[model.Metric]) -> int | None:
    """The step with the lowest validation loss, when that has risen since while the training loss went on falling."""
    ordered = sorted(metrics, key=lambda metric: metric.step)
    validations = [(loss, metric.step) for metric in ordered if (loss := valid_loss(metric)) is not None]
    if len(validations) < _FEWEST_VALIDATIONS:
        return None
    lowest, step = min(validations)
    if validations[-1][0] < lowest * _RISE:
        return None
    before, after = _halves(ordered, step)
    return step if before and after and _mean(after) < _mean(before) else None


def _halves(ordered: Sequence[model.Metric], step: int) -> tuple[list[float], list[float]]:
    """Training losses around a step, and the same number of the last ones: single ones tremble."""
    trained = [(metric.step, metric.train_loss) for metric in ordered if metric.train_loss is not None]
    behind = [loss for at, loss in trained if at > step]
    count = max(1, min(len(behind) // 2, 20))
    return [loss for at, loss in trained if at <= step][-count:], behind[-count:]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
