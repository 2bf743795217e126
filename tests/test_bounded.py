"""Calls that may hang."""

import threading

import pytest

from service import bounded, errors


def test_a_call_in_time_returns_or_raises_as_it_is() -> None:
    lane = bounded.Lane()
    assert lane.run(lambda: 7, 5) == 7
    with pytest.raises(ZeroDivisionError):
        lane.run(lambda: 1 / 0, 5)


def test_while_a_call_hangs_no_other_is_begun() -> None:
    lane, gate, begun = bounded.Lane(), threading.Event(), []
    with pytest.raises(errors.Transient, match="no answer within 0 s"):
        lane.run(gate.wait, 0.01)
    with pytest.raises(errors.Transient, match="no answer within"):
        lane.run(lambda: begun.append(1), 5)
    assert begun == []
    gate.set()


def test_what_came_through_late_is_not_asked_again() -> None:
    lane, gate, done = bounded.Lane(), threading.Event(), threading.Event()
    asked = []

    def send() -> str:
        asked.append(1)
        gate.wait()
        done.set()
        return "accepted"

    with pytest.raises(errors.Transient):
        lane.run(send, 0.01, key="notice 1")
    gate.set()
    left_behind = lane._left_behind
    assert left_behind
    left_behind.join()
    assert lane.run(send, 5, key="notice 1") == "accepted"
    assert len(asked) == 1
    assert lane.run(send, 5, key="notice 2") == "accepted"
    assert len(asked) == 2


def test_who_leaves_waits_no_longer() -> None:
    lane, gate = bounded.Lane(), threading.Event()

    def work() -> None:
        lane.leave()
        gate.wait()

    with pytest.raises(errors.Transient):
        lane.run(work, 60)
    gate.set()
    lane.leave()
