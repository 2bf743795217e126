"""What the measures of a training say."""

from service.model import Checkpoint, Metric
from service.rules import training


def _checkpoint(step: int | None, loss: float | None = None) -> Checkpoint:
    return Checkpoint(checkpoint_id=f"c{step}", created_at=None, step=step, model=f"m{step}", valid_loss=loss)


def test_results_are_the_last_values_and_the_first_ones() -> None:
    """Validation is not measured at every step; metrics may come in any order."""
    found = training.results([
        Metric(step=3, train_loss=0.5),
        Metric(step=1, train_loss=2.0, valid_loss=2.2),
        Metric(step=2, train_loss=1.0, valid_loss=1.5, full_valid_loss=1.4),
    ])  # fmt: skip
    assert (found["step"], found["train_loss"], found["valid_loss"]) == (3, 0.5, 1.4)
    assert found["first"] == {"train_loss": 2.0, "valid_loss": 2.2}
    assert found["reward"] is None


def test_without_measures_nothing_is_known() -> None:
    found = training.results([])
    assert found.pop("first") == {}
    assert set(found.values()) == {None}


def test_the_best_checkpoint_has_the_lowest_validation_loss() -> None:
    found = training.best_checkpoint([_checkpoint(80, 0.9), _checkpoint(160, 0.6), _checkpoint(240, 0.7)])
    assert found == {"step": 160, "model": "m160", "valid_loss": 0.6, "last": False}


def test_a_checkpoint_without_a_loss_has_that_of_its_step() -> None:
    metrics = [Metric(step=80, full_valid_loss=0.9), Metric(step=160, valid_loss=0.6)]
    found = training.best_checkpoint([_checkpoint(80), _checkpoint(160)], metrics)
    assert found == {"step": 160, "model": "m160", "valid_loss": 0.6, "last": True}


def test_where_nothing_tells_no_checkpoint_is_best() -> None:
    assert training.best_checkpoint([_checkpoint(80), _checkpoint(None, 0.5)]) is None


def _course(validations: list[float], trained: list[float]) -> list[Metric]:
    steps = range(10, 10 * len(trained) + 1, 10)
    return [
        Metric(step=step, train_loss=loss, full_valid_loss=validations[place] if place < len(validations) else None)
        for place, (step, loss) in enumerate(zip(steps, trained, strict=True))
    ]


def test_a_validation_loss_that_rises_while_the_training_loss_falls_is_overfitting() -> None:
    assert training.overfitting_since(_course([2.0, 1.0, 1.2, 1.4], [2.0, 1.0, 0.6, 0.3])) == 20


def test_what_falls_trembles_or_is_hardly_measured_is_no_overfitting() -> None:
    assert training.overfitting_since(_course([2.0, 1.5, 1.2, 1.0], [2.0, 1.0, 0.6, 0.3])) is None
    assert training.overfitting_since(_course([2.0, 1.0, 1.02, 1.04], [2.0, 1.0, 0.6, 0.3])) is None
    assert training.overfitting_since(_course([2.0, 2.5], [2.0, 1.0])) is None


def test_when_both_rise_the_training_has_failed_in_another_way() -> None:
    assert training.overfitting_since(_course([2.0, 1.0, 1.4, 1.8], [2.0, 1.0, 1.5, 2.0])) is None
