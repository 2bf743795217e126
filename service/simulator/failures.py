"""Why a job fails: what its `error` says, and what its events say before it ends."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """One known reason. `code` is None where the reason stands in the events only."""

    code: str | None
    message: str
    param: str | None = None
    warning: str | None = None
    after_training: bool = False

    @property
    def error(self) -> dict[str, str | None]:
        """The job's `error` object."""
        return {"code": self.code, "message": self.message if self.code else None, "param": self.param}


# Codes: OpenAI API reference and live jobs, August 2026. The wording is the simulator's own.
FAILURES: Final = {
    "invalid_training_file": Failure(
        code="invalid_training_file",
        message="The training file is invalid. Line 17 is not a chat example: "
        "the last message must come from the assistant.",
        param="training_file",
        warning="Line 17 of the training file could not be read as a chat example.",
    ),
    "invalid_n_examples": Failure(
        code="invalid_n_examples",
        message="Training file has 7 example(s), but must have at least 10 examples",
        param="training_file",
    ),
    "invalid_validation_file": Failure(
        code="invalid_validation_file",
        message="The validation file is invalid: 12 of its examples stand in the training file too.",
        param="validation_file",
        warning="12 examples stand in both the training file and the validation file.",
    ),
    "exceeded_quota": Failure(
        code="exceeded_quota",
        message="The job would exceed your quota. Please check your plan and billing details.",
    ),
    "safety_evaluation": Failure(
        code=None,
        message="The job failed because the fine-tuned model did not pass the safety evaluations. "
        "Blocked categories: harassment/threatening",
        after_training=True,
    ),
}
