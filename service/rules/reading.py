"""A provider's status in our words.

Sources: OpenAI's API reference (eight statuses, of which the SDK's type knows six) and the Azure OpenAI REST
reference (`notRunning`, `canceled`, `canceling`, `deleted`, `pending`). The set is open: a word that is not
here is `unknown`, and unknown means unfinished.
"""

from service import model

_STATES = {
    "validating_files": model.State.PENDING,
    "queued": model.State.PENDING,
    "pending": model.State.PENDING,
    "notrunning": model.State.PENDING,
    "running": model.State.RUNNING,
    "pausing": model.State.RUNNING,
    "canceling": model.State.RUNNING,
    "cancelling": model.State.RUNNING,
    "paused": model.State.PAUSED,
    "succeeded": model.State.SUCCEEDED,
    "failed": model.State.FAILED,
    "cancelled": model.State.CANCELLED,
    "canceled": model.State.CANCELLED,
    "deleted": model.State.CANCELLED,
}


def state_of(status: str) -> model.State:
    """The state that `status` stands for; capitals do not matter."""
    return _STATES.get(status.lower(), model.State.UNKNOWN)
