"""What of the history a channel's digest tells."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from service import model
from service.rules import routing

# More nobody reads in one message; `counts` has them all.
MOST = 200
_JOBS = ("ended", "running", "stuck")


def of(read: Mapping[str, Sequence[Mapping[str, Any]]], channel: model.Channel) -> dict[str, Any]:
    """The facts of a digest, of what was read (see ports.Queue.summary): what concerns the channel, at most MOST of
    each, and `counts`, how many jobs there are in each state."""
    jobs = {name: [job for job in read[name] if routing.concerns(job, channel)] for name in _JOBS}
    blind = [account for account in read["blind"] if routing.fits(account["name"], channel.accounts)]
    counts = Counter(job["state"] for found in jobs.values() for job in found)
    return {**{name: found[:MOST] for name, found in jobs.items()}, "blind": blind, "counts": dict(counts)}


def is_empty(facts: Mapping[str, Any]) -> bool:
    """Whether there is nothing to tell: nothing ended, nothing runs, and everything can be seen."""
    return not any(facts[name] for name in (*_JOBS, "blind"))
