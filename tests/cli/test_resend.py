"""Bringing back what was given up."""

import re

import pytest
from click.testing import Result

from service import errors
from tests.cli.conftest import Ask
from tests.conftest import KEY, Bench


@pytest.fixture
def lost(bench: Bench) -> Bench:
    """A job that ended while the mail did not work for days."""
    bench.poll()
    bench.simulator.create(key=KEY, suffix="rain", durations=(0, 0, 0))
    bench.notifier.troubles["mail"] = errors.Transient("mailbox on fire")
    bench.clock.move(minutes=1)
    for _ in range(8):
        bench.poll()
        bench.clock.move(hours=1.1)
    bench.clock.move(hours=72)
    bench.deliver()
    bench.notifier.troubles.clear()
    return bench


def _id(ask: Ask) -> str:
    """As a person finds it: in the list of what was given up."""
    result: Result = ask("deliveries", "--failed")
    assert "mailbox on fire" in result.stdout
    found = re.search(r"tw-\w{10}", result.stdout)
    assert found
    return found[0]


def test_a_notice_that_was_given_up_is_sent_again(lost: Bench, ask: Ask) -> None:
    result = ask("resend", _id(ask))
    assert result.exit_code == 0
    assert result.stdout.startswith("1 notice queued again; no daemon is running")
    lost.clock.move(minutes=1)
    sent = len(lost.notifier.sent)
    lost.deliver()
    assert "✅ rain has succeeded" in lost.notifier.titles()[sent:]
    assert ask("deliveries", "--failed").stdout == ""


def test_everything_that_was_given_up_is_sent_again(lost: Bench, ask: Ask) -> None:
    assert ask("resend", "--failed", "--channel", "channel-chat").exit_code == 1
    assert ask("resend", "--failed").exit_code == 0


def test_what_needs_no_sending_is_said_so(lost: Bench, ask: Ask) -> None:
    unknown = ask("resend", "tw-nothing")
    assert (unknown.exit_code, "deliveries --failed" in unknown.stderr) == (1, True)
    notice = _id(ask)
    ask("resend", notice)
    again = ask("resend", notice)
    assert (again.exit_code, "given up nowhere: 1 pending, 1 sent" in again.stderr) == (1, True)
    assert ask("resend").exit_code == 2
    assert ask("resend", notice, "--failed").exit_code == 2
