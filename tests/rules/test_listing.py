from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.model import Item, Page
from service.rules import listing
from tests.builders import at

Entry = tuple[str, float | None]


def item(job_id: str, minutes: float | None) -> Item:
    return Item(job_id=job_id, created_at=None if minutes is None else at(minutes), raw="{}")


class Listing:
    """A provider's listing, in the order given, that counts the pages asked for."""

    def __init__(self, entries: Sequence[Entry], page_size: int = 2) -> None:
        self.items = [item(*entry) for entry in entries]
        self.page_size = page_size

    def page(self, after: str | None) -> Page:
        ids = [each.job_id for each in self.items]
        start = ids.index(after) + 1 if after else 0
        shown = tuple(self.items[start : start + self.page_size])
        more = start + self.page_size < len(self.items)
        return Page(items=shown, after=shown[-1].job_id if more else None)

    def walked(self, watermark: datetime | None) -> listing.Walk:
        walk = listing.Walk(watermark)
        page = self.page(None)
        while walk.take(page):
            page = self.page(page.after)
        return walk


NEWEST_FIRST: list[Entry] = [("f", 6), ("e", 5), ("d", 4), ("c", 3), ("b", 2), ("a", 1)]


@pytest.mark.parametrize(("watermark", "pages"), [(6, 1), (5.5, 1), (5, 2), (4, 2), (3, 3), (1, 3), (None, 3)])
def test_reading_stops_behind_the_watermark(watermark: float | None, pages: int) -> None:
    walk = Listing(NEWEST_FIRST).walked(None if watermark is None else at(watermark))
    assert (walk.pages, walk.newest, walk.newest_first) == (pages, at(6), True)


@pytest.mark.parametrize(("watermark", "at_end"), [(6, False), (4, False), (None, True)])
def test_the_end_is_where_nothing_follows(watermark: float | None, at_end: bool) -> None:
    walk = Listing(NEWEST_FIRST).walked(None if watermark is None else at(watermark))
    assert walk.at_end is at_end


def test_a_page_that_is_repeated_is_no_end() -> None:
    walk, page = listing.Walk(None), Listing(NEWEST_FIRST).page(None)
    assert walk.take(page)
    assert not walk.take(Page(items=page.items, after=None))
    assert not walk.at_end


def test_new_jobs_on_three_pages_are_all_read() -> None:
    new: list[Entry] = [(f"new{n}", 50 - n) for n in range(5)]
    walk = Listing([*new, *NEWEST_FIRST]).walked(at(6))
    assert walk.seen >= {job_id for job_id, _ in new}
    assert walk.pages == 4  # the page behind them is needed to know that they are all


def test_a_listing_that_starts_with_the_oldest_is_read_to_its_end() -> None:
    walk = Listing(NEWEST_FIRST[::-1]).walked(at(6))
    assert (walk.pages, walk.newest_first, walk.newest) == (3, False, at(6))


def test_a_first_page_of_one_old_job_does_not_pass_for_newest_first() -> None:
    """With one entry per page the order shows only on the second."""
    assert Listing(NEWEST_FIRST[::-1], page_size=1).walked(at(4)).seen == set("abcdef")


def test_jobs_of_the_watermarks_own_second_are_read() -> None:
    entries: list[Entry] = [("f", 6), ("e", 6), ("d", 6), ("c", 6), ("b", 2), ("a", 1)]
    walk = Listing(entries).walked(at(6))
    assert walk.seen >= set("fedc")
    assert walk.newest_first


def test_when_the_newest_job_was_deleted_reading_goes_on() -> None:
    """Nothing proves any more that the listing starts where we think it does."""
    assert Listing(NEWEST_FIRST).walked(at(7)).pages == 3


def test_a_page_that_comes_again_ends_the_reading() -> None:
    first = Page(items=(item("b", 2), item("a", 1)), after="a")
    walk = listing.Walk(None)
    assert walk.take(first)
    assert not walk.take(first)
    assert walk.repeated


def test_pages_that_come_in_a_circle_end_the_reading() -> None:
    one = Page(items=(item("b", 2),), after="b")
    two = Page(items=(item("a", 1),), after="a")
    walk = listing.Walk(None)
    assert [walk.take(page) for page in (one, two, one)] == [True, True, False]
    assert walk.repeated


def test_an_overlap_of_two_pages_is_no_repetition() -> None:
    """A job created while we read moves the rest down by one."""
    walk = listing.Walk(None)
    assert walk.take(Page(items=(item("c", 3), item("b", 2)), after="b"))
    assert walk.take(Page(items=(item("b", 2), item("a", 1)), after="a"))
    assert not walk.repeated
    assert walk.newest_first


def test_an_empty_page_with_a_cursor_ends_the_reading() -> None:
    walk = listing.Walk(None)
    assert not walk.take(Page(items=(), after="somewhere"))
    assert not walk.repeated


def test_an_empty_account_has_no_newest_job() -> None:
    walk = Listing([]).walked(None)
    assert (walk.pages, walk.newest, walk.seen) == (1, None, set())


@pytest.mark.parametrize("timeless", [{"f", "e"}, {"e"}, {"e", "d", "c"}, set("fedcba")])
def test_jobs_without_a_creation_time_do_not_stop_the_reading_too_early(timeless: set[str]) -> None:
    entries: list[Entry] = [(name, None if name in timeless else minutes) for name, minutes in NEWEST_FIRST]
    assert Listing(entries).walked(at(3)).seen >= set("fedc")


@settings(deadline=None)
@given(
    times=st.lists(st.integers(0, 30), min_size=1, max_size=40),
    known=st.integers(0, 40),
    page_size=st.integers(1, 7),
    oldest_first=st.booleans(),
    timeless=st.sets(st.integers(0, 40), max_size=4),
)
def test_every_job_created_since_the_watermark_is_seen(
    times: list[int], known: int, page_size: int, oldest_first: bool, timeless: set[int]
) -> None:
    """For any account in either order, any page size, and a watermark of any earlier moment."""
    created = sorted(times)
    shown: list[Entry] = [(f"j{n}", None if n in timeless else minutes) for n, minutes in enumerate(created)]
    account = Listing(shown if oldest_first else shown[::-1], page_size)
    dated = [minutes for _, minutes in shown[:known] if minutes is not None]
    watermark = at(max(dated)) if dated else None
    seen = account.walked(watermark).seen
    assert {
        each.job_id for each in account.items if each.created_at and at(max(dated, default=0)) <= each.created_at
    } <= seen
    assert {job_id for job_id, _ in shown[known:]} <= seen


def cost(depth: int, pages: Sequence[int]) -> int:
    """Requests: the pages read, and one for each job that lies deeper."""
    return depth + sum(page > depth for page in pages)


@settings(deadline=None)
@given(
    missing=st.lists(st.one_of(st.none(), st.integers(0, 60)), max_size=12),
    ends=st.lists(st.integers(0, 60), max_size=10),
    pages_read=st.integers(1, 12),
)
def test_the_depth_chosen_costs_least(missing: list[int | None], ends: list[int], pages_read: int) -> None:
    page_ends = [at(minutes) for minutes in sorted(ends, reverse=True)]
    unreachable = 1_000
    on_page = [
        next((n for n, end in enumerate(page_ends, 1) if minutes is not None and at(minutes) >= end), unreachable)
        for minutes in missing
    ]
    created = [None if minutes is None else at(minutes) for minutes in missing]
    depth = listing.pages_worth_reading(created, page_ends, pages_read)
    possible = range(pages_read, max(len(page_ends), pages_read) + 1)
    assert depth in possible
    assert cost(depth, on_page) == min(cost(each, on_page) for each in possible)


@pytest.mark.parametrize(
    ("missing", "depth"),
    [([], 1), ([35], 1), ([35, 36], 1), ([35, 36, 37], 3), ([None, None, None], 1), ([5, 6, 7], 1)],
)
def test_pages_are_read_when_they_hold_more_unfinished_jobs_than_they_cost(
    missing: list[int | None], depth: int
) -> None:
    page_ends = [at(50), at(40), at(30)]
    created = [None if minutes is None else at(minutes) for minutes in missing]
    assert listing.pages_worth_reading(created, page_ends, 1) == depth
