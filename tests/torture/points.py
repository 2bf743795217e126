"""Where a daemon is killed: the moments that matter, by name."""

from dataclasses import dataclass

# Every function of the store that commits, with the highest count worth waiting for: at which of its commits it dies.
COMMITS = {
    "process.started": 1,
    "Record.configured": 1,
    "Queue.resume": 1,
    "Queue.hurry": 1,
    "Shelf.forget_events": 1,
    "Record.record": 3,
    "Record.end_pass": 3,
    "Record.model_checked": 3,
    "Queue.sending": 8,
    "Queue.sent": 8,
    "Queue.postponed": 1,
    "Queue.keep_destination": 2,
    "Record.gone": 1,
    "Record.keep_unreadable": 2,
    "Backlog.keep": 3,
    "process.stopped": 1,
}
# Of those that commit in the end, these do it for others.
HELPERS = {"Queue._set": "Queue.sending, Queue.sent, Queue.postponed"}
# These come once in a world, in a chapter of their own: a notice is given up, and sent again.
RARE = ("Queue.given_up", "Queue.resend")
# Not in the campaign, whose channels have no fallback and no digest, whose provider keeps all jobs, and in which nobody
# prunes by hand: each is one transaction, and the next pass makes it if it is not there (tests/outbox/test_fallback.py,
# tests/outbox/test_digests.py, tests/watcher/test_past.py, tests/store/test_pruning.py).
ELSEWHERE = ("Queue.fall_back", "Queue.queue", "Record.unlisted", "pruning._by_ids")
DESTINATIONS = ("mail", "hook", "flaky")
MOMENTS = {
    "before": "before the commit",
    "after": "after the commit",
    "statement": "before a statement",
    "accepting": "it has the notice and has not answered",
    "answered": "it has answered",
}


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One kill to be made.

    `place` and `moment`: a key of COMMITS with "before" or "after", a destination with "accepting" or "answered",
    "random" with a part of a daemon's life, "migration" or "page" with what its scenario knows. `count`: the n-th time
    there. `share`: from 0 to 1, how far into that part of its life.
    """

    place: str
    moment: str
    count: int = 1
    share: float = 0.0

    @property
    def name(self) -> str:
        """For the table of kills."""
        return f"{self.place}: {MOMENTS.get(self.moment, self.moment)}"


_COMMIT, _ARRIVAL = ("before", "after"), ("accepting", "answered")
# The named points of a daemon at work, and of the chapter on giving up.
NAMED = (
    *((place, moment) for place in COMMITS for moment in _COMMIT),
    *((place, moment) for place in DESTINATIONS for moment in _ARRIVAL),
)
NAMED_RARE = tuple((place, moment) for place in RARE for moment in _COMMIT)
# Of a random kill: between the start and the first look, around the first look, at work afterwards.
PARTS = ("starting", "first look", "at work")
