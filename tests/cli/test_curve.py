"""The curve in the terminal."""

from typing import Any

import pytest

from service.cli import curve


def rows(*train: float, **others: float) -> list[dict[str, Any]]:
    names = ("full_valid_loss", "valid_loss", "reward", "valid_reward")
    return [{"step": step, "train_loss": loss, **dict.fromkeys(names), **others} for step, loss in enumerate(train, 1)]


def test_a_falling_loss_falls_from_left_to_right() -> None:
    legend, *drawn = curve.of_metrics(rows(*(10 - step / 10 for step in range(100))), 60)
    assert legend == "training loss"
    assert len(drawn) == 10
    assert drawn[0].startswith("  10 ┤")
    assert drawn[7].startswith(" 0.1 ┤")
    starts = [len(line) - len(line[6:].lstrip()) for line in drawn[:8]]
    assert starts == sorted(starts)


@pytest.mark.parametrize("width", [1, 20, 80, 500])
def test_it_fits_the_width_if_there_is_any(width: int) -> None:
    drawn = curve.of_metrics(rows(1.0, 0.5, valid_loss=0.7), width)
    assert max(map(len, drawn[1:])) <= max(width, 12)


@pytest.mark.parametrize(
    "losses",
    [
        (),
        (1.0,),
        (1.0, 1.0),
        (0.0, 0.0, 0.0),
        (1e-9, 1e9),
        (-1.0, 2.0),
        (1.0, float("inf"), 0.5),
        (1.0, 1e308, -1e308, 0.5),
    ],
)  # fmt: skip
def test_no_values_bring_it_down(losses: tuple[float, ...]) -> None:
    assert bool(curve.of_metrics(rows(*losses), 60)) is (len(losses) > 1)


def test_validation_lies_where_it_was_measured() -> None:
    found = rows(*[1.0] * 9, 0.0)
    found[4]["valid_loss"] = 0.5
    drawn = curve.of_metrics(found, 60)
    [line] = [line for line in drawn[1:] if "●" in line]
    assert line.startswith("0.5 ┤")
    assert 0.35 < line.index("●") / 60 < 0.55
