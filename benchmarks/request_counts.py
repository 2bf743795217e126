"""How many requests a pass makes when nothing has changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import watched
from benchmarks.report import Goal, Table
from service.rules import listing

SIZES = (100, 1_000, 10_000, 100_000)
UNFINISHED = (200, 10, 1, 0)
_LISTED_FOR_REAL = 10_000  # beyond, the plain loop's pages are computed: it would take half a minute


def measure() -> Table:
    """Accounts of growing age, each with fewer and fewer unfinished jobs."""
    found = [row for size in SIZES for row in _account(size)]
    return Table(
        headings=(
            "jobs", "unfinished", "tunewatch", "cheapest plan there is", "plain loop: list everything",
            "plain loop: first page, each unfinished by id", "tunewatch, courses read too",
        ),
        rows=[
            (
                f"{row.size:,}", f"{len(row.places)}", f"{row.steady}", f"{row.cheapest}", f"{row.everything:,}",
                f"{1 + len(row.places)}", f"{row.with_courses}",
            )
            for row in found
        ],
        goals=_goals(found),
        notes=[
            f"Counted at the provider; the loop that lists everything is computed beyond {_LISTED_FOR_REAL:,} jobs.",
            "The loop that asks by id makes 1 + k requests by its definition.",
        ],
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Row:
    """Requests of an account with unfinished jobs at these places of its listing (0 is the newest)."""

    size: int
    places: Sequence[int]
    steady: int
    with_courses: int
    everything: int

    @property
    def cheapest(self) -> int:
        """The least over all depths of pages read to there plus jobs retrieved that lie deeper."""
        deepest = max(1, -(-self.size // listing.PAGE_SIZE))
        return min(
            pages + sum(place >= pages * listing.PAGE_SIZE for place in self.places) for pages in range(1, deepest + 1)
        )


def _account(size: int) -> list[_Row]:
    with watched.account(jobs=size, unfinished=max(UNFINISHED)) as account:
        account.poll()
        everything = _everything(account, size)
        left, rows = account.provider.unfinished(), []
        for count in UNFINISHED:
            keep = _spread(left, count)
            account.provider.show((id for _, id in set(left) - set(keep)), status="cancelled")
            left = keep
            rows.append(_counted(account, size, [place for place, _ in left], everything))
        return rows


def _counted(account: watched.Watched, size: int, places: Sequence[int], everything: int) -> _Row:
    _settle(account, len(places))
    account.poll(watched.COURSES_AFTER)
    with_courses = account.provider.asked().total
    account.poll(watched.INTERVAL)
    # With many unfinished jobs each pass reads some courses; what is due every time is counted by itself.
    asked = account.provider.asked()
    return _Row(
        size=size, places=places, steady=asked.pages + asked.jobs, with_courses=with_courses, everything=everything
    )


def _settle(account: watched.Watched, unfinished: int) -> None:
    """Passes until the courses of the jobs that have ended just now are known to their end."""
    account.poll(watched.INTERVAL)
    for _ in range(15):
        account.provider.asked()
        account.poll(watched.COURSES_AFTER)
        if account.provider.asked().courses <= unfinished:
            return
    raise RuntimeError("the account does not come to rest")


def _everything(account: watched.Watched, size: int) -> int:
    if size > _LISTED_FOR_REAL:
        return -(-size // listing.PAGE_SIZE)
    account.provider.asked()
    for _ in account.sdk.fine_tuning.jobs.list(limit=listing.PAGE_SIZE):
        pass
    return account.provider.asked().total


def _spread(jobs: Sequence[tuple[int, str]], count: int) -> list[tuple[int, str]]:
    """So many of the jobs (or all), evenly: the middle ones of as many parts."""
    count = min(count, len(jobs))
    return [jobs[(2 * part + 1) * len(jobs) // (2 * count)] for part in range(count)]


def _goals(rows: Sequence[_Row]) -> list[Goal]:
    none = max(row.steady for row in rows if not row.places)
    over = max(row.steady - row.cheapest for row in rows)
    sizes = {size: [row for row in rows if row.size == size] for size in (1_000, 100_000)}
    counts = [", ".join(f"{row.steady}" for row in those) for those in sizes.values()]
    above = [row for those in sizes.values() for row in those if row.steady > 1 + len(row.places)]
    return [
        Goal(text="1 request when none is unfinished, whatever the account's size", found=f"{none}", met=none == 1),
        Goal(
            text="at most 1 + k + the pages needed, by the cheaper plan",
            found=f"at most {over} above the cheapest plan",
            met=over <= 0,
        ),
        Goal(
            text="never more than 1 + k, at 1,000 and at 100,000 jobs alike",
            found=f"{' and '.join(counts)} with {', '.join(map(str, UNFINISHED))} unfinished",
            met=not above,
        ),
    ]
