"""Training as numbers: hyperparameters, and losses or rewards per step. All derived from the job's seed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from .lives import Spec

AUTO_HYPERPARAMETERS: Mapping[str, Mapping[str, object]] = {
    "supervised": dict.fromkeys(("n_epochs", "batch_size", "learning_rate_multiplier"), "auto"),
    "dpo": {"beta": 0.1} | dict.fromkeys(("n_epochs", "batch_size", "learning_rate_multiplier"), "auto"),
    "reinforcement": dict.fromkeys(
        ("n_epochs", "batch_size", "learning_rate_multiplier", "eval_interval", "eval_samples"), "auto"
    )
    | {"compute_multiplier": "auto", "reasoning_effort": "medium"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """The numbers one training will show. Validation begins to worsen at the share `turn` of the steps."""

    seed: int
    reinforcement: bool
    epochs: int
    steps_per_epoch: int
    batch_size: int
    multiplier: float
    tokens_per_example: int
    validated: bool
    start: float
    floor: float
    decay: float
    gap: float
    turn: float

    @property
    def total_steps(self) -> int:
        return self.epochs * self.steps_per_epoch

    @property
    def tokens(self) -> int:
        """Billable tokens of the whole training."""
        return self.total_steps * self.batch_size * self.tokens_per_example

    @property
    def stride(self) -> int:
        """Every how many steps there is an event: long trainings report steps 1, 11, 21 …"""
        return 1 if self.total_steps <= 100 else 10

    def reports(self, step: int) -> bool:
        return (step - 1) % self.stride == 0 or step == self.total_steps

    def validates(self, step: int) -> bool:
        return self.validated and ((step - 1) % (5 * self.stride) == 0 or self.ends_epoch(step))

    def ends_epoch(self, step: int) -> bool:
        return step % self.steps_per_epoch == 0

    def hyperparameters(self, requested: Mapping[str, object]) -> dict[str, object]:
        """What was requested, with numbers in place of `auto`."""
        numbers: dict[str, object] = {
            "n_epochs": self.epochs,
            "batch_size": self.batch_size,
            "learning_rate_multiplier": self.multiplier,
            "eval_interval": 5,
            "eval_samples": 3,
            "compute_multiplier": 1.0,
            "beta": 0.1,
            "reasoning_effort": "medium",
        }
        auto = [name for name, value in requested.items() if value == "auto" and name in numbers]
        return {**requested, **{name: numbers[name] for name in auto}}


@lru_cache(maxsize=1024)
def _draw(seed: int, reinforcement: bool) -> Mapping[str, float]:
    rng = Random(seed)
    start = rng.uniform(1.1, 2.6)
    return {
        "n_epochs": rng.choice((2, 3, 3, 3, 4)),
        "steps_per_epoch": rng.randint(5, 15) if reinforcement else rng.randint(15, 180),
        "batch_size": rng.choice((1, 2, 4, 8, 16)),
        "learning_rate_multiplier": rng.choice((0.1, 0.5, 1.0, 1.8, 2.0)),
        "tokens_per_example": rng.randint(80, 600),
        "start": start,
        "floor": start * rng.uniform(0.08, 0.4),
        "decay": rng.uniform(3.0, 7.0),
        "gap": rng.uniform(0.02, 0.2),
        "turn": rng.uniform(0.35, 0.6) if rng.random() < 0.25 else 1.0,
    }


def training(spec: Spec) -> Training:
    """The training of a job: its seed decides, save where a number was requested."""
    reinforcement = spec.method == "reinforcement"
    drawn = _draw(spec.seed, reinforcement)

    def number(name: str) -> float:
        requested = spec.hyperparameters.get(name)
        return requested if isinstance(requested, (int, float)) and requested > 0 else drawn[name]

    return Training(
        seed=spec.seed,
        reinforcement=reinforcement,
        epochs=min(50, max(1, int(number("n_epochs")))),
        batch_size=max(1, int(number("batch_size"))),
        multiplier=number("learning_rate_multiplier"),
        steps_per_epoch=int(drawn["steps_per_epoch"]),
        tokens_per_example=int(drawn["tokens_per_example"]),
        validated=spec.validation_file is not None,
        **{name: drawn[name] for name in ("start", "floor", "decay", "gap", "turn")},
    )


def measure(run: Training, step: int) -> dict[str, float]:
    """What one step shows, named as in metrics events; validation only where it was run."""
    return _rewards(run, step) if run.reinforcement else _losses(run, step)


def _losses(run: Training, step: int) -> dict[str, float]:
    share, noise = step / run.total_steps, Random(run.seed * 1_000_003 + step)
    learnt = run.floor + (run.start - run.floor) * math.exp(-run.decay * share)
    around = learnt * noise.lognormvariate(0, 0.08)
    shown = _loss_and_accuracy("train_loss", "train_mean_token_accuracy", around)
    if run.validates(step):
        unseen = learnt + run.gap + 2 * run.start * max(0.0, share - run.turn) ** 2
        around = unseen * noise.lognormvariate(0, 0.05)
        shown |= _loss_and_accuracy("valid_loss", "valid_mean_token_accuracy", around)
        if run.ends_epoch(step):
            shown |= _loss_and_accuracy("full_valid_loss", "full_valid_mean_token_accuracy", unseen)
    return shown


def _loss_and_accuracy(loss_name: str, accuracy_name: str, loss: float) -> dict[str, float]:
    return {loss_name: round(loss, 5), accuracy_name: round(math.exp(-0.4 * loss), 5)}


def _rewards(run: Training, step: int) -> dict[str, float]:
    share, noise = step / run.total_steps, Random(run.seed * 1_000_003 + step)
    mean = 0.25 + 0.55 * (1 - math.exp(-run.decay * share / 2))
    shown = {"train_mean_reward": round(min(1.0, max(0.0, noise.gauss(mean, 0.04))), 4)}
    if run.validates(step):
        shown["full_validation_mean_reward"] = round(max(0.0, mean - run.gap / 3), 4)
    return shown


# Heading in the result file -> name in metrics events.
_LOSS_COLUMNS = {
    "train_loss": "train_loss",
    "train_accuracy": "train_mean_token_accuracy",
    "valid_loss": "valid_loss",
    "valid_mean_token_accuracy": "valid_mean_token_accuracy",
}
_REWARD_COLUMNS = {name: name for name in ("train_mean_reward", "full_validation_mean_reward")}


def result_csv(run: Training) -> str:
    """The result file of a finished training: one line a step, empty cells where nothing was validated."""
    columns = _REWARD_COLUMNS if run.reinforcement else _LOSS_COLUMNS
    lines = [",".join(("step", *columns))]
    for step in range(1, run.total_steps + 1):
        shown = measure(run, step)
        lines.append(",".join([str(step), *(str(shown.get(name, "")) for name in columns.values())]))
    return "\n".join(lines) + "\n"
