"""Importing another history: nothing lost, nothing doubled, nobody told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service import errors
from tests.conftest import KEY, Bench
from tests.store import hosts


def test_an_empty_database_has_the_same_views_afterwards(bench: Bench, other: hosts.Host, new: Path) -> None:
    bench.simulator.populate(KEY, 20, unfinished=2)
    other.poll()
    hosts.busy(bench)
    hosts.live(bench, other, minutes=40)
    found = hosts.shown(other.url)
    assert all(found.values()), "something to import everywhere"
    counts = hosts.take(f"sqlite:///{new}", other.path)
    assert hosts.shown(f"sqlite:///{new}") == found
    assert counts["jobs"] == len(found["job_summary"])
    assert counts["events"] == len(found["job_events"])


def test_importing_twice_changes_nothing(bench: Bench, other: hosts.Host, ours: Path) -> None:
    bench.poll()
    hosts.busy(bench)
    hosts.live(bench, bench, minutes=5)
    hosts.live(bench, other, minutes=20)
    hosts.live(bench, bench, minutes=20)
    assert hosts.take(f"sqlite:///{ours}", other.path)
    before = hosts.tables(ours)
    assert hosts.take(f"sqlite:///{ours}", other.path) == {}
    assert hosts.tables(ours) == before


def test_what_is_imported_is_not_changed(bench: Bench, other: hosts.Host, new: Path) -> None:
    hosts.busy(bench)
    hosts.live(bench, other, minutes=20)
    other.engine.dispose()
    before = other.path.read_bytes()
    hosts.take(f"sqlite:///{new}", other.path)
    assert other.path.read_bytes() == before


class TestTwoHostsOfOneAccount:
    """They watched at overlapping times, and not in the same seconds."""

    @pytest.fixture
    def witness(self, bench: Bench, tmp_path: Path) -> Iterator[hosts.Host]:
        """Watches all the time."""
        with hosts.host(bench, tmp_path / "witness.db") as host:
            yield host

    @pytest.fixture
    def watched(self, bench: Bench, other: hosts.Host, witness: hosts.Host) -> Bench:
        for each in (witness, bench, other):
            each.poll()
        hosts.busy(bench)
        hosts.live(bench, witness, bench, minutes=5)
        for _ in range(20):
            bench.clock.move(seconds=20)
            witness.poll()
            other.poll()
            bench.clock.move(seconds=40)
            bench.poll()
        hosts.live(bench, witness, other, minutes=30)
        return bench

    def test_together_they_know_what_one_would_who_watched_all_the_time(
        self, watched: Bench, other: hosts.Host, witness: hosts.Host, url: str
    ) -> None:
        assert watched.states() != {row["job_id"]: row["state"] for row in witness.reading.jobs(limit=99)}
        hosts.take(url, other.path)
        told = witness.steps()
        assert len(told) == 5
        merged = hosts.rows(url)
        ordered: dict[str, list[tuple[str | None, str]]] = {}
        for row in sorted(merged["job_history"], key=lambda row: row["change_id"]):
            ordered.setdefault(row["job_id"], []).append((row["from_status"], row["to_status"]))
        assert ordered == told
        assert watched.states() == {row["job_id"]: row["state"] for row in witness.reading.jobs(limit=99)}
        for view in ("job_events", "job_metrics", "job_checkpoints"):
            assert len(merged[view]) == len(hosts.rows(witness.url)[view]) > 0

    def test_what_one_of_them_told_is_not_told_by_the_other(self, watched: Bench, other: hosts.Host, url: str) -> None:
        assert {title.split()[1] for title in other.notifier.titles()} > {"job-failed"}
        hosts.take(url, other.path)
        watched.notifier.sent.clear()
        hosts.live(watched, watched, minutes=5)
        assert watched.notifier.sent == []
        done = watched.simulator.create(suffix="later", durations=(1, 1, 1))
        hosts.live(watched, watched, minutes=1)
        assert watched.notifier.titles() == ["✅ later has succeeded"] * 2
        assert watched.steps(done) == ["succeeded"]

    @pytest.mark.usefixtures("watched")
    def test_it_does_not_matter_who_imports_whom(self, other: hosts.Host, url: str, ours: Path, tmp_path: Path) -> None:
        copy = tmp_path / "copy.db"
        hosts.take(f"sqlite:///{copy}", ours)
        hosts.take(url, other.path)
        hosts.take(other.url, copy)
        here, there = hosts.rows(url), hosts.rows(other.url)
        for name in ("status", "state", "raw", "first_seen_at", "finished_at", "last_changed_at"):
            assert [row[name] for row in here["job_summary"]] == [row[name] for row in there["job_summary"]]
        assert len(here["notice_log"]) == len(there["notice_log"])

    def test_lists_still_begin_with_the_newest(self, watched: Bench, other: hosts.Host, url: str) -> None:
        hosts.take(url, other.path)
        times = [row["observed_at"] for row in watched.reading.history(limit=99)]
        assert times == sorted(times, reverse=True)
        told = [row["created_at"] for row in watched.reading.deliveries(limit=99)]
        assert told == sorted(told, reverse=True)
        assert len(set(told)) > 3


class TestJobs:
    """One row for each, of what both know."""

    @pytest.fixture
    def job(self, bench: Bench, other: hosts.Host) -> str:
        """Running, as both know."""
        bench.poll()
        job = bench.simulator.create(durations=(0, 0, 3600))
        bench.clock.move(minutes=1)
        bench.poll()
        bench.clock.move(minutes=1)
        other.poll()
        return job

    def test_the_newer_state_counts_and_the_first_sight_of_either(
        self, bench: Bench, other: hosts.Host, job: str, url: str
    ) -> None:
        first = bench.reading.job(job)["first_seen_at"]
        bench.clock.move(hours=2)
        other.poll()
        hosts.take(url, other.path)
        found = bench.reading.job(job)
        assert (found["state"], found["first_seen_at"]) == ("succeeded", first)
        assert found["fine_tuned_model"]

    def test_the_earlier_first_sight_is_taken_over(self, bench: Bench, other: hosts.Host, job: str, ours: Path) -> None:
        first = bench.reading.job(job)["first_seen_at"]
        assert other.reading.job(job)["first_seen_at"] > first
        assert hosts.take(other.url, ours)["jobs_updated"] == 1
        assert other.reading.job(job)["first_seen_at"] == first

    def test_an_end_is_not_taken_back(self, bench: Bench, other: hosts.Host, job: str, url: str) -> None:
        bench.clock.move(hours=2)
        bench.poll()
        hosts.change(other.path, "UPDATE job SET last_changed_at = '2099-01-01T00:00:00Z'")
        hosts.take(url, other.path)
        assert bench.reading.job(job)["state"] == "succeeded"
        assert bench.steps(job)[-1] == "succeeded"

    def test_what_is_watched_stays_watched_though_the_other_one_lost_sight(
        self, bench: Bench, other: hosts.Host, job: str, url: str
    ) -> None:
        hosts.change(other.path, "UPDATE job SET gone_at = '2026-11-22T13:00:00Z'")
        hosts.take(url, other.path)
        assert job in bench.record.unfinished("main")

    def test_what_is_seen_again_is_watched_again(
        self, bench: Bench, other: hosts.Host, job: str, url: str, ours: Path
    ) -> None:
        hosts.change(ours, "UPDATE job SET gone_at = '2026-11-22T12:01:30Z'")
        hosts.change(other.path, "UPDATE job SET last_changed_at = '2026-11-22T12:05:00Z'")
        hosts.take(url, other.path)
        assert job in bench.record.unfinished("main")

    def test_a_course_that_one_of_them_read_is_read(
        self, bench: Bench, other: hosts.Host, job: str, url: str, ours: Path
    ) -> None:
        bench.clock.move(hours=2)
        bench.poll()
        other.poll()
        [[read_at]] = hosts.ask(other.path, "SELECT course_read_at FROM job")
        hosts.change(ours, "UPDATE job SET course_read_at = NULL")
        hosts.take(url, other.path)
        assert bench.reading.job(job)["course_read_at"] == read_at

    @pytest.mark.usefixtures("job")
    def test_a_course_that_was_cut_short_does_not_count_as_read(
        self, bench: Bench, other: hosts.Host, new: Path
    ) -> None:
        bench.clock.move(hours=2)
        other.poll()
        hosts.change(other.path, "UPDATE job SET course_due_at = '2026-11-23T00:00:00Z'")
        hosts.take(f"sqlite:///{new}", other.path)
        assert hosts.ask(new, "SELECT course_read_at, course_due_at FROM job") == [(None, None)]

    @pytest.mark.usefixtures("job")
    def test_measures_that_were_missing_are_filled_and_others_stay(
        self, bench: Bench, other: hosts.Host, url: str, ours: Path
    ) -> None:
        bench.clock.move(hours=2)
        bench.poll()
        other.poll()
        hosts.change(other.path, "UPDATE metric SET train_loss = 9, train_accuracy = 0.5")
        hosts.change(
            ours, "UPDATE metric SET train_accuracy = NULL, train_loss = 1", "DELETE FROM metric WHERE step = 5"
        )
        counts = hosts.take(url, other.path)
        assert counts["metrics"] == 1
        assert counts["metrics_filled"] > 1
        found = hosts.ask(ours, "SELECT DISTINCT train_loss, train_accuracy, step = 5 FROM metric ORDER BY 1")
        assert found == [(1.0, 0.5, 0), (9.0, 0.5, 1)]


class TestAccounts:
    def test_a_new_one_is_not_watched_and_begins_anew(self, other: hosts.Host, new: Path) -> None:
        other.poll()
        hosts.take(f"sqlite:///{new}", other.path)
        assert hosts.ask(
            new, "SELECT name, active, baseline_at, watermark, full_read_at, last_pass_at, last_good_at FROM account"
        ) == [("main", 0, None, None, None, None, None)]

    def test_the_first_sight_after_an_import_is_silent(self, bench: Bench, other: hosts.Host, tmp_path: Path) -> None:
        """Of what ran when the other host was switched off, only what ended just now is news."""
        old = bench.simulator.create(suffix="old", durations=(0, 0, 3600))
        running = bench.simulator.create(suffix="running", durations=(0, 0, 40 * 86_400))
        other.poll()
        bench.clock.move(days=30)
        with hosts.host(bench, tmp_path / "third.db") as third:
            hosts.take(third.url, other.path)
            third.poll()
            assert third.notifier.sent == []
            assert third.steps()[old][-1] == ("running", "succeeded")
            bench.clock.move(days=11)
            third.poll()
            assert third.notifier.titles() == ["✅ running has succeeded"] * 2
            assert third.reading.events(job=third.reading.job(running), limit=9)

    def test_a_job_that_still_runs_is_no_stall(self, bench: Bench, other: hosts.Host, new: Path) -> None:
        """Its events are read here as well, though its status does not change."""
        bench.simulator.create(durations=(0, 0, 40 * 86_400))
        other.poll()
        hosts.take(f"sqlite:///{new}", other.path)
        assert hosts.ask(new, "SELECT count(*) FROM job WHERE course_due_at IS NOT NULL") == [(1,)]


class TestNotices:
    @pytest.fixture
    def told(self, bench: Bench, other: hosts.Host) -> hosts.Host:
        """One notice at the mail, on its way to the chat."""
        other.poll()
        bench.simulator.create(suffix="rain", durations=(0, 0, 0))
        bench.clock.move(minutes=1)
        other.notifier.troubles["chat"] = errors.Transient("chat on fire")
        other.poll()
        return other

    def test_only_those_come_whose_fate_is_settled(self, told: hosts.Host, new: Path) -> None:
        counts = hosts.take(f"sqlite:///{new}", told.path)
        assert (counts["notices"], counts["deliveries"], counts["waiting"]) == (1, 1, 1)
        assert hosts.ask(
            new, "SELECT state, key, active FROM delivery d JOIN destination t ON t.id = destination_pk"
        ) == [("sent", "mail", 0)]

    def test_what_was_given_up_there_is_known_as_given_up(self, told: hosts.Host, new: Path) -> None:
        hosts.change(told.path, "UPDATE delivery SET state = 'failed' WHERE state = 'pending'")
        hosts.take(f"sqlite:///{new}", told.path)
        assert hosts.ask(new, "SELECT state FROM delivery ORDER BY state") == [("failed",), ("sent",)]

    def test_the_same_notice_of_both_is_one(self, bench: Bench, other: hosts.Host, url: str) -> None:
        bench.poll()
        other.poll()
        bench.simulator.create(suffix="rain", durations=(0, 0, 0))
        bench.clock.move(minutes=1)
        bench.poll()
        bench.clock.move(seconds=20)
        other.poll()
        before = bench.reading.deliveries(limit=9)
        assert len(before) == len(other.reading.deliveries(limit=9)) == 2
        hosts.take(url, other.path)
        assert bench.reading.deliveries(limit=9) == before
