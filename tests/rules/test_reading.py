import pytest

from service.model import State
from service.rules import reading


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("validating_files", State.PENDING),
        ("queued", State.PENDING),
        ("pending", State.PENDING),
        ("notRunning", State.PENDING),
        ("running", State.RUNNING),
        ("pausing", State.RUNNING),
        ("canceling", State.RUNNING),
        ("paused", State.PAUSED),
        ("succeeded", State.SUCCEEDED),
        ("failed", State.FAILED),
        ("cancelled", State.CANCELLED),
        ("canceled", State.CANCELLED),
        ("deleted", State.CANCELLED),
    ],
)
def test_every_documented_status_has_its_state_in_whatever_capitals(status: str, state: State) -> None:
    assert {reading.state_of(word) for word in (status, status.upper(), status.title())} == {state}


@pytest.mark.parametrize("status", ["", "missing", "compressing", "succeeded ", "not running", "FAILED_VALIDATION"])
def test_a_status_nobody_told_us_of_is_unknown(status: str) -> None:
    assert reading.state_of(status) is State.UNKNOWN


def test_only_succeeded_failed_and_cancelled_have_ended() -> None:
    """Unknown means unfinished: a job with a new status is watched on."""
    assert {state for state in State if state.ended} == {State.SUCCEEDED, State.FAILED, State.CANCELLED}
