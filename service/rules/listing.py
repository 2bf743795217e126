"""How far to read a listing: the cost follows the work, not the age of the account.

Neither the order nor the cursor of the API is documented. OpenAI and Azure list newest first, Nebius and
Azure's examples oldest first, and a broken gateway repeats a page for ever. So both are checked while reading.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from service import model

PAGE_SIZE = 100
# A million jobs. A listing that goes on behind them has no end.
MOST_PAGES = 10_000


class Walk:
    """One reading of a listing, page by page: feed each page to `take`, stop when it says so.

    `watermark`: creation time of the newest job at the end of the last complete pass; None reads everything.
    `fresh`: of the page taken last, the jobs not met before; one that is listed twice is read once, at its first
    place. `endless`: there was more behind `most_pages` pages. `at_end`: there is nothing behind the page taken last.
    """

    def __init__(self, watermark: datetime | None, most_pages: int = MOST_PAGES) -> None:
        self._watermark = watermark
        self._most_pages = most_pages
        self._previous: datetime | None = None
        self.seen: set[str] = set()
        self.newest: datetime | None = None
        self.newest_first = True
        self.fresh: tuple[model.Item, ...] = ()
        self.repeated = self.endless = self.at_end = False
        self.pages = 0

    def take(self, page: model.Page) -> bool:
        """Note the page; True while further pages are needed to have everything since the watermark."""
        self.fresh = tuple(item for item in page.items if self._is_fresh(item))
        self.repeated = bool(page.items) and not self.fresh
        self.at_end = page.after is None and not self.repeated
        self.pages += 1
        for item in self.fresh:
            self._note(item)
        needed = page.after is not None and bool(self.fresh) and not self._covered()
        self.endless = needed and self.pages >= self._most_pages
        return needed and not self.endless

    def _is_fresh(self, item: model.Item) -> bool:
        met = item.job_id in self.seen
        self.seen.add(item.job_id)
        return not met

    def _note(self, item: model.Item) -> None:
        if item.created_at is None:
            return
        if self._previous and item.created_at > self._previous:
            self.newest_first = False
        self._previous = item.created_at
        self.newest = max(self.newest or item.created_at, item.created_at)

    def _covered(self) -> bool:
        """Everything since the watermark has been read.

        Believed only if the newest job we knew, or a newer one, came first: otherwise the listing starts
        somewhere else than we think, or the newest job was deleted, and reading on is the safe answer.
        """
        if not (self._watermark and self._previous and self.newest and self.newest_first):
            return False
        return self.newest >= self._watermark > self._previous


def pages_worth_reading(missing: Iterable[datetime | None], page_ends: Sequence[datetime], pages_read: int) -> int:
    """How many pages to have read in all so that reading on plus retrieving the rest costs least.

    `missing`: creation times of the unfinished jobs not met yet. `page_ends[i]`: creation time of the last job
    on page i+1, as far as we know the account. A job without a creation time is always retrieved.
    """
    # Reading a page costs as much as retrieving one job, so the depths that matter are those at which a
    # missing job lies.
    pages = sorted(
        next((n for n, end in enumerate(page_ends, start=1) if created >= end), len(page_ends) + 1)
        for created in missing
        if created is not None
    )
    best, saved = pages_read, 0
    for met, page in enumerate(pages, start=1):
        gain = met - max(0, page - pages_read)
        if page <= len(page_ends) and gain > saved:
            best, saved = page, gain
    return max(best, pages_read)
