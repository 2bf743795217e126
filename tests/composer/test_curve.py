"""The curve of a training, as a picture."""

import io
import logging
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from service import model
from service.composer import curve, draw, examples

ROOT = Path(__file__).parents[2]
TITLE = "✅ support-bot succeeded"


def _course(steps: int, loss: Callable[[int], float | None], *, checkpoints: Sequence[int] = ()) -> model.Course:
    return model.Course(
        metrics=tuple(model.Metric(step=step, train_loss=loss(step)) for step in range(1, steps + 1)),
        checkpoints=tuple(
            model.Checkpoint(checkpoint_id=f"ftckpt_{step}", created_at=None, step=step, model="ft:x")
            for step in checkpoints
        ),
    )


def _picture(course: model.Course, title: str = TITLE) -> Image.Image:
    figure = curve.figure(course, title)
    assert figure
    return Image.open(io.BytesIO(draw.draw(figure))).convert("RGB")


def _colors(picture: Image.Image) -> set[draw.Color]:
    found = picture.getcolors(draw.WIDTH * draw.HEIGHT)
    assert found
    return {color for _, color in found if isinstance(color, tuple)}  # type: ignore[misc]


def _labels(course: model.Course, axis: str) -> list[str]:
    figure = curve.figure(course, TITLE)
    assert figure
    return [label for _, label in figure[axis]["ticks"]]


def _child(code: str) -> curve.Renderer:
    return curve.Renderer([sys.executable, "-c", code])


def test_the_example_becomes_a_small_png_with_both_lines() -> None:
    png = curve.render(examples.course(), TITLE)
    assert png
    assert len(png) < 60_000
    picture = Image.open(io.BytesIO(png))
    assert (picture.format, picture.size) == ("PNG", (draw.WIDTH, draw.HEIGHT))
    assert set(draw.COLORS.values()) | {draw.PAPER, draw.INK} <= _colors(picture.convert("RGB"))


def test_the_card_is_opaque() -> None:
    png = curve.render(examples.course(), TITLE)
    assert png
    picture = Image.open(io.BytesIO(png))
    assert "transparency" not in picture.info
    assert picture.convert("RGB").getpixel((draw.WIDTH - 10, 10)) == draw.PAPER


def test_without_validation_there_is_one_line() -> None:
    colors = _colors(_picture(_course(20, lambda step: 2 / step)))
    assert draw.COLORS["training"] in colors
    assert draw.COLORS["validation"] not in colors


def test_checkpoints_lie_on_the_validation_line_and_the_best_stands_out() -> None:
    figure = curve.figure(examples.course(), TITLE)
    assert figure
    validation = next(line["points"] for line in figure["lines"] if line["name"] == "validation")
    assert len(figure["rings"]) == 2
    assert all(ring in validation for ring in figure["rings"])
    assert figure["best"]["step"] == 160
    assert figure["best"]["at"] in validation


def test_rings_are_drawn_where_there_are_checkpoints() -> None:
    """A straight line from 3 to 1: in its middle is the ring, white inside."""
    plain, ringed = (
        _picture(_course(3, lambda step: 4 - step, checkpoints=steps), "") for steps in ((), (2,))
    )  # fmt: skip
    line = [
        (x, y) for x in range(draw.WIDTH) for y in range(150, 450) if plain.getpixel((x, y)) == draw.COLORS["training"]
    ]
    gone = [at for at in line if ringed.getpixel(at) == draw.PAPER]
    assert gone
    assert all(abs(x - sum(x for x, _ in gone) / len(gone)) < 12 for x, _ in gone)


def test_without_a_validation_line_checkpoints_lie_on_the_training_line() -> None:
    figure = curve.figure(_course(20, lambda step: 2 / step, checkpoints=[10, 20, 21]), TITLE)
    assert figure
    assert figure["rings"] == [figure["lines"][0]["points"][9], figure["lines"][0]["points"][19]]


def test_the_loss_over_the_whole_validation_file_is_preferred() -> None:
    metrics = [model.Metric(step=step, valid_loss=9.0, full_valid_loss=1.0) for step in (1, 2)]
    assert _labels(model.Course(metrics=tuple(metrics)), "up")[-1] < "2"


def test_where_it_was_measured_once_only_the_loss_over_batches_makes_the_line() -> None:
    metrics = [
        model.Metric(step=step, valid_loss=9.0, full_valid_loss=1.0 if step == 3 else None) for step in (1, 2, 3)
    ]
    figure = curve.figure(model.Course(metrics=tuple(metrics)), TITLE)
    assert figure
    assert len(figure["lines"][0]["points"]) == 3


def test_where_there_are_no_losses_the_rewards_are_shown() -> None:
    metrics = [model.Metric(step=step, reward=step / 9, valid_reward=step / 10) for step in range(1, 9)]
    figure = curve.figure(model.Course(metrics=tuple(metrics)), TITLE)
    assert figure
    assert figure["up"]["name"] == "reward"
    assert [line["name"] for line in figure["lines"]] == ["training", "validation"]


def test_a_job_with_rewards_shows_them_even_if_there_are_losses() -> None:
    metrics = [model.Metric(step=step, reward=step / 9, train_loss=0.1) for step in range(1, 9)]
    figure = curve.figure(model.Course(metrics=tuple(metrics)), TITLE)
    assert figure
    assert figure["up"]["name"] == "reward"


@pytest.mark.parametrize(
    "course",
    [
        model.Course(),
        _course(1, lambda _step: 1.0),
        _course(9, lambda _step: None),
        _course(9, lambda _step: math.nan),
        _course(9, lambda step: math.inf if step > 1 else 1.0),
    ],
    ids=["nothing", "one point", "no values", "nan", "one that is a number"],
)
def test_with_fewer_than_two_points_there_is_nothing_to_show(course: model.Course) -> None:
    assert curve.Renderer(["/nobody/starts/this"])(course, TITLE) is None


def test_axes_have_round_numbers() -> None:
    course = _course(240, lambda step: 2.3 - step / 120)
    assert _labels(course, "across") == ["0", "50", "100", "150", "200"]
    assert _labels(course, "up") == ["0.5", "1.0", "1.5", "2.0"]


def test_many_steps_are_counted_in_thousands_where_that_is_exact() -> None:
    metrics = tuple(model.Metric(step=step, train_loss=1.0) for step in (0, 60_000))
    assert _labels(model.Course(metrics=metrics), "across") == ["0", "20k", "40k", "60k"]
    metrics = tuple(model.Metric(step=step, train_loss=1.0) for step in (1_000_001, 1_000_004))
    assert _labels(model.Course(metrics=metrics), "across") == ["1000001", "1000002", "1000003", "1000004"]


def test_a_long_number_at_the_end_of_an_axis_is_whole() -> None:
    metrics = tuple(model.Metric(step=step, train_loss=1.0) for step in (1_000_000, 1_000_010))
    course = model.Course(metrics=metrics)
    assert _labels(course, "across")[-1] == "1000010"
    assert _colors(_picture(course).crop((draw.WIDTH - 9, 470, draw.WIDTH - 2, 520))) == {draw.PAPER}


def test_a_loss_that_falls_a_hundredfold_gets_a_logarithmic_axis() -> None:
    assert _labels(_course(9, lambda step: 10.0 ** (1 - step)), "up") == ["1e-8", "1e-6", "0.0001", "0.01", "1"]
    assert "0" in _labels(_course(9, lambda step: 10.0 ** (1 - step) if step < 9 else 0.0), "up")


def test_one_outlier_among_many_steps_leaves_the_axis_straight() -> None:
    assert _labels(_course(1000, lambda step: 1.0 if step != 500 else 0.001), "up")[0] == "0"


def test_of_many_points_the_trend_is_drawn_and_no_extreme_is_lost() -> None:
    """A single high step of a million is there, in the paler line."""
    points = [(step, 9.0 if step == 777_777 else 1.0) for step in range(1_000_000)]
    kept = curve.thinned(points)
    assert len(kept) <= 402
    assert (777_777, 9.0) in kept
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    assert len(curve.trend(points)) <= 201
    assert max(value for _, value in curve.trend(points)) < 1.1


def _title_drawn(title: str) -> bool:
    picture = _picture(_course(9, lambda step: 1 / step), title).crop((5, 5, draw.WIDTH - 5, 60))
    # Without a title the legend has its place, and a line's colour is in it.
    return draw.COLORS["training"] not in _colors(picture)


def test_a_title_is_drawn_when_the_font_has_its_characters() -> None:
    assert _title_drawn("⏹ support-bot was cancelled")
    assert _title_drawn("a name that is far too long " * 4)
    assert not _title_drawn("✅ 学習が成功しました")
    assert not _title_drawn("✅")
    assert not _title_drawn("support 🎉 bot")


def test_this_process_does_not_import_pillow() -> None:
    """Who draws lives for weeks; Pillow goes with the child."""
    code = (
        "import sys\n"
        "from service.composer import curve, examples\n"
        "print(curve.render(examples.course(), 'x')[1:4].decode(), 'PIL' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["PNG", "False"]


@pytest.mark.parametrize(
    ("renderer", "reason"),
    [
        (curve.Renderer(["/nobody/starts/this"]), "No such file"),
        (_child("raise ValueError('out of ink')"), "ValueError: out of ink"),
        (_child("import os; os.kill(os.getpid(), 9)"), "killed (signal 9)"),
        (_child("print('no picture')"), "no reason given"),
        (curve.Renderer([sys.executable, "-c", "import signal; signal.pause()"], patience_seconds=0.1), "timed out"),
    ],
    ids=["cannot be started", "fails", "is killed", "says something else", "never ends"],
)
def test_a_child_in_trouble_costs_the_picture_and_is_told_once(
    renderer: curve.Renderer, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert [renderer(examples.course(), TITLE) for _ in range(3)] == [None, None, None]
    assert [reason in line for line in caplog.messages] == [True]


def test_a_picture_that_many_destinations_ask_for_is_drawn_once(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    renderer = _child(f"open({str(runs)!r}, 'a').write('.'); {_say_png('str(os.getpid())')}")
    pictures = [renderer(examples.course(), title) for title in ("one", "one", "one", "other", "one")]
    assert pictures[0] == pictures[1] == pictures[2] != pictures[3]
    assert runs.read_text(encoding="ascii") == "..."


def test_ctrl_c_on_the_terminal_of_the_daemon_spares_the_picture() -> None:
    """A terminal interrupts every process of its group."""
    png = _child(_say_png("str(os.getpgid(0))"))(examples.course(), TITLE)
    assert png
    assert int(png[8:]) != os.getpgid(0)


def test_nobody_waits_for_long_until_other_pictures_are_drawn(caplog: pytest.LogCaptureFixture) -> None:
    renderer = curve.Renderer([sys.executable, "-c", "import signal; signal.pause()"], patience_seconds=0.5)
    start = threading.Barrier(3)

    def ask() -> None:
        start.wait()
        assert renderer(examples.course(), TITLE) is None

    with caplog.at_level(logging.WARNING):
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert any("other pictures take too long" in line for line in caplog.messages)


def _say_png(what: str) -> str:
    return f"import os, sys; sys.stdout.buffer.write(b'\\x89PNG\\r\\n\\x1a\\n' + {what}.encode())"


_ANY = st.one_of(
    st.none(), st.floats(), st.floats(0, 5), st.sampled_from([0.0, -1.0, 1e300, 5e-324, 1e-30, math.nan, 10**400])
)
_STEPS = st.one_of(st.integers(0, 50), st.integers())
_METRICS = st.builds(
    model.Metric, step=_STEPS, train_loss=_ANY, valid_loss=_ANY, full_valid_loss=_ANY, reward=_ANY, valid_reward=_ANY
)
_CHECKPOINTS = st.builds(
    model.Checkpoint,
    checkpoint_id=st.just("ftckpt"), created_at=st.none(), step=st.none() | _STEPS, model=st.none(), valid_loss=_ANY,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(metrics=st.lists(_METRICS, max_size=30), checkpoints=st.lists(_CHECKPOINTS, max_size=5), title=st.text())
def test_any_course_gives_a_picture_or_none(
    metrics: list[model.Metric], checkpoints: list[model.Checkpoint], title: str
) -> None:
    figure = curve.figure(model.Course(metrics=tuple(metrics), checkpoints=tuple(checkpoints)), title)
    if figure is not None:
        places = [place for line in figure["lines"] for point in line["points"] for place in point]
        assert all(-0.001 <= place <= 1.001 for place in places)
        assert all(0 < len(figure[axis]["ticks"]) <= 12 for axis in ("across", "up"))
        assert draw.draw(figure).startswith(b"\x89PNG")
