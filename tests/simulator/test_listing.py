"""Lists of jobs: order, pages, cursors, filters, quirks, and large accounts."""

from collections.abc import Iterator
from typing import Any

import pytest

from service.simulator import Account, Quirks, Simulator

from .doubles import DURATIONS, Answer, Clock, Connect, Http


def ids(page: Any) -> list[str]:
    return [job["id"] for job in page["data"]]


def test_jobs_come_newest_first_in_pages_of_twenty(simulator: Simulator, http: Http, clock: Clock) -> None:
    """The default page, its cursor, and the end of the list."""
    created = []
    for _ in range(25):
        created.append(simulator.create())
        clock.advance(1)
    first = http.jobs()
    second = http.jobs(after=ids(first)[-1])
    assert ids(first) + ids(second) == created[::-1]
    assert (len(ids(first)), first["has_more"], second["has_more"]) == (20, True, False)


def test_a_full_last_page_says_there_is_no_more(simulator: Simulator, http: Http) -> None:
    """has_more looks ahead; it does not guess from the page's size."""
    for _ in range(4):
        simulator.create()
    page = http.jobs(limit=2)
    assert page["has_more"] is True
    assert http.jobs(limit=2, after=ids(page)[-1])["has_more"] is False


def test_new_jobs_do_not_disturb_a_cursor(simulator: Simulator, http: Http, clock: Clock) -> None:
    """A page is anchored at a job, not at a number."""
    old, middle, new = (simulator.create(created_at=clock.now - age) for age in (30, 20, 10))
    simulator.create()
    simulator.create(created_at=clock.now - 15)
    assert ids(http.jobs(after=middle)) == [old]
    assert ids(http.jobs(after=new, limit=10))[1:] == [middle, old]


def test_a_job_of_the_future_is_not_there_yet(simulator: Simulator, http: Http, clock: Clock) -> None:
    """It is neither listed nor found before its time."""
    id = simulator.create(created_at=clock.now + 60)
    assert (ids(http.jobs()), http.get(f"/fine_tuning/jobs/{id}").status) == ([], 404)
    clock.advance(60)
    assert ids(http.jobs()) == [id]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many", ""])
def test_an_impossible_limit_is_refused(http: Http, limit: str) -> None:
    """1 to 100, else 400."""
    answer = http.get("/fine_tuning/jobs", limit=limit)
    assert (answer.status, answer.error["param"]) == (400, "limit")


def test_an_unknown_cursor_is_not_found(http: Http) -> None:
    """404 in OpenAI's shape."""
    answer = http.get("/fine_tuning/jobs", after="ftjob-none")
    assert (answer.status, answer.error["param"]) == (404, "after")


def test_metadata_filters_the_list(simulator: Simulator, http: Http) -> None:
    """All the given pairs must match; a page is filled from the matches."""
    wanted = [simulator.create(metadata={"team": "a", "run": str(run)}) for run in range(3)]
    for _ in range(3):
        simulator.create(metadata={"team": "b"})
    page = http.jobs(**{"metadata[team]": "a", "limit": 2})
    assert (ids(page), page["has_more"]) == ([wanted[2], wanted[1]], True)
    assert ids(http.jobs(**{"metadata[team]": "a", "metadata[run]": "0"})) == [wanted[0]]


def test_each_key_sees_its_own_jobs(clock: Clock, connect: Connect) -> None:
    """Keys share nothing, not even when they belong to one organization."""
    with Simulator(clock=clock, keys={"a": Account(organization_id="org-a"), "b": Account()}) as simulator:
        id = simulator.create(key="b")
        assert ids(connect(simulator, "a").jobs()) == []
        assert ids(connect(simulator, "b").jobs()) == [id]
        assert connect(simulator, "a").get(f"/fine_tuning/jobs/{id}").status == 404


def test_quirks_turn_repeat_or_empty_the_list(simulator: Simulator, http: Http, clock: Clock) -> None:
    """Each quirk does what other servers have been seen to do."""
    created = [simulator.create(created_at=clock.now - age) for age in (3, 2, 1)]
    simulator.quirks = Quirks(oldest_first=True)
    assert ids(http.jobs(limit=2)) == created[:2]
    assert ids(http.jobs(after=created[0])) == created[1:]
    assert http.events(created[0])[0]["message"].startswith("Created")
    simulator.quirks = Quirks(repeat_page=True)
    page = http.jobs(limit=2)
    assert http.jobs(limit=2, after=ids(page)[-1]) == page
    assert page["has_more"] is True
    simulator.quirks = Quirks(empty_list=True)
    assert (ids(http.jobs()), http.jobs()["has_more"]) == ([], False)


def test_the_past_is_there_from_the_start(clock: Clock, connect: Connect) -> None:
    """A history has all ended, mostly well, over earlier weeks."""
    with Simulator(clock=clock, history=60) as simulator:
        jobs = [job for page in _pages(connect(simulator)) for job in page["data"]]
    statuses = [job["status"] for job in jobs]
    assert len(jobs) == 60
    assert set(statuses) <= {"succeeded", "failed", "cancelled"}
    assert statuses.count("succeeded") > 30
    assert jobs[0]["created_at"] - jobs[-1]["created_at"] > 30 * 86_400


def test_arrivals_do_not_depend_on_who_looks_when(clock: Clock, connect: Connect) -> None:
    """Looking often or once, the same jobs have arrived."""
    often, once = (Simulator(clock=clock, seed=3, arrivals_every=60) for _ in range(2))
    with often, once:
        http = connect(often)
        for _ in range(60):
            clock.advance(60)
            http.jobs(limit=1)
        arrived = connect(once).jobs(limit=100)
        assert 40 < len(arrived["data"]) < 80
        assert http.jobs(limit=100) == arrived


def test_unfinished_jobs_of_a_large_account_lie_at_all_depths(simulator: Simulator, http: Http) -> None:
    """populate() places so many jobs, so many of them running, the running ones at all depths."""
    simulator.populate(None, 3000, unfinished=6)
    pages = list(_pages(http))
    unfinished = [n for n, page in enumerate(pages) for job in page["data"] if job["status"] == "running"]
    assert sum(len(page["data"]) for page in pages) == 3000
    assert unfinished == [0, 5, 10, 15, 20, 25]


def test_the_same_seed_and_clock_give_the_same_bytes(connect: Connect) -> None:
    """Ids, curves, headers: everything."""

    def story() -> list[Answer]:
        now = Clock()
        with Simulator(clock=now, seed=11, history=5, arrivals_every=100) as simulator:
            http = connect(simulator)
            id = simulator.create(durations=DURATIONS)
            http.post("/fine_tuning/jobs", {"model": "m", "training_file": "f"})
            now.advance(700)
            paths = ("", f"/{id}", f"/{id}/events", f"/{id}/checkpoints")
            return [http.get(f"/fine_tuning/jobs{path}") for path in paths]

    assert story() == story()


def _pages(http: Http) -> Iterator[Any]:
    page = http.jobs(limit=100)
    yield page
    while page["has_more"]:
        page = http.jobs(limit=100, after=page["data"][-1]["id"])
        yield page
