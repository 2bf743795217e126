"""Random jobs: what they ask for, how long they take, how they end. Equal generators give equal jobs."""

from collections.abc import Mapping
from random import Random
from typing import Final

from .failures import FAILURES
from .ids import drawn
from .lives import Durations, Ending, Method, Spec

DEFAULT_MODEL: Final = "gpt-4.1-mini-2025-04-14"
_SUFFIXES: Final = (
    None,
    None,
    "support-tone",
    "invoice-fields",
    "triage",
    "house-style",
    "sql-helper",
    "tagger",
)
_MODELS: Final[dict[Method, tuple[str, ...]]] = {
    "supervised": (DEFAULT_MODEL, "gpt-4.1-nano-2025-04-14", "gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06"),
    "dpo": (DEFAULT_MODEL, "gpt-4o-2024-08-06"),
    "reinforcement": ("o4-mini-2025-04-16",),
}
_METHODS: Final[tuple[Method, ...]] = ("supervised",) * 8 + ("dpo", "reinforcement")
# Jobs of the past have all ended; among new ones some wait, some are paused.
_PAST_ENDINGS: Final[tuple[Ending, ...]] = ("succeeded",) * 16 + ("failed",) * 3 + ("cancelled",)
_NEW_ENDINGS: Final[tuple[Ending, ...]] = (*_PAST_ENDINGS, "paused", "resumed", "resumed", "stuck")


def spec(
    rng: Random,
    *,
    model: str | None = None,
    method: Method = "supervised",
    suffix: str | None = None,
    metadata: Mapping[str, str] | None = None,
    validated: bool = True,
) -> Spec:
    """A job of which only ids and the seed are left to chance."""
    return Spec(
        model=model or _MODELS[method][0],
        method=method,
        suffix=suffix,
        seed=rng.getrandbits(31),
        training_file=drawn(rng, "file-"),
        validation_file=drawn(rng, "file-") if validated else None,
        metadata=metadata,
    )


def any_spec(rng: Random) -> Spec:
    """A job of which everything is left to chance."""
    method = rng.choice(_METHODS)
    return spec(
        rng,
        model=rng.choice(_MODELS[method]),
        method=method,
        suffix=rng.choice(_SUFFIXES),
        validated=rng.random() < 0.7,
    )


def durations(rng: Random) -> Durations:
    """Seconds of validating, queued and running; together less than four hours."""
    return rng.uniform(20, 180), 30 * 30 ** rng.random(), 300 * 30 ** rng.random()


def reason(rng: Random, spec: Spec) -> str:
    """One of the known reasons for which this job may fail."""
    known = [reason for reason in FAILURES if spec.validation_file or reason != "invalid_validation_file"]
    return rng.choice(known)


def past_ending(rng: Random) -> Ending:
    return rng.choice(_PAST_ENDINGS)


def new_ending(rng: Random) -> Ending:
    return rng.choice(_NEW_ENDINGS)
