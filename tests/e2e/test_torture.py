"""The short form of the kill campaign (`make torture` is the long one): nothing is lost, whenever the daemon dies."""

from pathlib import Path

import pytest

from tests.torture import campaign, plan, report

pytestmark = pytest.mark.e2e


def test_a_daemon_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    kills = plan.short(seed=1)
    outcome = campaign.Campaign(tmp_path, seed=1, say=print).play([kills])
    print("\n".join(report.lines(outcome)))
    assert outcome.violations == []
    assert sum(outcome.kills.values()) >= kills.kills
