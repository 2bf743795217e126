"""The processor time of a pass over one page, of the client alone."""

from collections.abc import Callable

from benchmarks import measure as measuring
from benchmarks import watched
from benchmarks.report import Goal, Table
from service.rules import listing

_TURNS = 15
_REPEAT = 20
_TURNS_CHANGED = 5
_GOAL = 1.3


def measure() -> Table:
    """A pass that finds nothing new, then passes that find every job of the page changed."""
    with watched.account(jobs=1_000) as account:
        account.settle()
        list_page = _listing(account)
        steady = _ratio(account.poll, list_page, turns=_TURNS, repeat=_REPEAT)
        fields = _changed(account, list_page, "metadata", lambda turn: {"turn": str(turn)})
    with watched.account(jobs=100, unfinished=100) as account:
        account.settle()
        statuses = _changed(account, _listing(account), "status", lambda turn: ("queued", "running")[turn % 2])
    return Table(
        headings=("pass over a page of 100 jobs", "requests", "tunewatch, CPU", "SDK's list(limit=100), CPU", "ratio"),
        rows=[
            ("nothing changed", "1", *_cells(steady)),
            ("a field of each job changed", "1", *_cells(fields)),
            ("the status of each job changed, so that its events are read", "101", *_cells(statuses)),
        ],
        goals=[
            Goal(text=f"at most {_GOAL} × when nothing changed", found=f"{steady}", met=steady.times <= _GOAL),
        ],
    )


def _listing(account: watched.Watched) -> Callable[[], object]:
    return lambda: account.sdk.fine_tuning.jobs.list(limit=listing.PAGE_SIZE)


def _changed(
    account: watched.Watched, list_page: Callable[[], object], key: str, value: Callable[[int], object]
) -> measuring.Ratio:
    """Passes of which each finds the newest hundred jobs with another value."""
    ids = account.provider.newest(listing.PAGE_SIZE)
    ours, theirs = [], []
    for turn in range(_TURNS_CHANGED):
        account.provider.show(ids, **{key: value(turn)})
        ours.append(measuring.own_cpu_seconds(account.poll, repeat=1))
        theirs.append(measuring.own_cpu_seconds(list_page, repeat=_REPEAT))
    return measuring.ratio(ours, theirs)


def _ratio(ours: Callable[[], object], theirs: Callable[[], object], *, turns: int, repeat: int) -> measuring.Ratio:
    mine, others = [], []
    for turn in range(turns + 1):
        pair = [measuring.own_cpu_seconds(work, repeat=repeat) for work in (ours, theirs)]
        if turn:  # the first warms up
            mine.append(pair[0])
            others.append(pair[1])
    return measuring.ratio(mine, others)


def _cells(found: measuring.Ratio) -> tuple[str, str, str]:
    return measuring.milliseconds(found.ours), measuring.milliseconds(found.theirs), str(found)
