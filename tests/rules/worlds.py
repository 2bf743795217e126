"""Worlds in memory for the properties: a provider that shows anything, a way out and a disk that break at will."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from service import errors, model
from service.providers import payloads
from service.store import engine as engines
from service.store.reading import Reading
from service.store.record import Record
from service.watcher.watcher import Settings, Watcher
from tests.conftest import START, HandClock

STATUSES = ("queued", "running", "paused", "succeeded", "failed", "cancelled", "odd")
NAMES = tuple(f"job{number}" for number in range(5))


@dataclass(frozen=True)
class Database:
    engine: engines.Engine
    reading: Reading
    fuse: "Fuse"


@dataclass
class Fuse:
    """Blows at the statement with this number, counted from now; at no other."""

    left: int | None = None

    def burn(self, *_: Any) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            self.left = None
            raise errors.StoreTrouble("the disk is full")


@dataclass
class Shown:
    """A provider in memory. `pages` is its listing; `all` has those too that it only gives by their ids.

    `seen`: what it showed of each job last; within one look, the first word counts.
    """

    account: str
    pages: list[list[dict[str, Any]]] = field(default_factory=lambda: [[]])
    all: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    trouble: Exception | None = None

    api_url = "https://api.example/v1"

    def __post_init__(self) -> None:
        self._now: dict[str, str] = {}

    def look_ends(self) -> None:
        self.seen |= self._now
        self._now.clear()

    def _show(self, payload: dict[str, Any]) -> model.Item:
        item = payloads.item(payload)
        assert item
        self._now.setdefault(item.job_id, payload["status"])
        return item

    def jobs(self, after: str | None) -> model.Page:
        if self.trouble:
            raise self.trouble
        number = int(after or 0)
        items = tuple(self._show(payload) for payload in self.pages[number])
        return model.Page(items=items, after=str(number + 1) if number + 1 < len(self.pages) else None)

    def retrieve(self, job_id: str) -> model.Item:
        if job_id not in self.all:
            raise errors.NotFound("no such job")
        return self._show(self.all[job_id])

    def read(self, item: model.Item) -> model.Job:
        return payloads.job(self.account, item.raw)

    def events(self, _job_id: str, _after: str | None) -> model.EventPage:
        return model.EventPage(events=(), metrics=(), after=None)

    def checkpoints(self, _job_id: str) -> tuple[model.Checkpoint, ...]:
        return ()

    def results(self, _file_id: str) -> tuple[model.Metric, ...]:
        return ()

    def models(self) -> tuple[model.ListedModel, ...]:
        return ()

    def model(self, name: str) -> model.ListedModel:
        return model.ListedModel(name=name)

    def ask(self, _name: str) -> None:
        """Every model answers."""

    def page_url(self, _job_id: str) -> str | None:
        return None


def watcher(provider: Shown, database: Database, clock: HandClock, to: tuple[model.Destination, ...]) -> Watcher:
    settings = Settings(
        account=provider.account, interval=timedelta(seconds=30), idle_interval=timedelta(minutes=5),
        blind_after=timedelta(minutes=15),
    )  # fmt: skip
    return Watcher(settings, provider=provider, record=Record(database.engine), destinations=to, time=clock)


def payload(name: str, status: str, created: int | None) -> dict[str, Any]:
    return {"id": name, "status": status, "created_at": created and int(START.timestamp()) - 60 * created}


STATUS = st.sampled_from(STATUSES)
# How a job is shown at one look: with a status, listed or only given by its id; or not at all.
APPEARANCE = st.tuples(STATUS, st.booleans()) | st.none()
# At a look: how each job is shown, in which order, in how large pages, and which are repeated where and with what.
LOOK = st.tuples(
    st.tuples(*[APPEARANCE] * len(NAMES)),
    st.permutations(NAMES) | st.just(NAMES),
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from(NAMES), STATUS), max_size=2),
)
CREATED = st.tuples(*[st.none() | st.integers(1, 5000)] * len(NAMES)) | st.just((1, 2, 3, 4, 5))


def show(provider: Shown, created: dict[str, int | None], look: Any) -> None:
    appearances, order, size, repeated = look
    shown = {name: seen for name, seen in zip(NAMES, appearances, strict=True) if seen}
    provider.all = {name: payload(name, status, created[name]) for name, (status, _) in shown.items()}
    listing = [provider.all[name] for name in order if name in shown and shown[name][1]]
    for place, name, status in repeated:
        if any(each["id"] == name for each in listing):
            listing.insert(place, payload(name, status, created[name]))
    # A page of nothing but repetitions would end the reading.
    size = max(size, len(repeated) + 1)
    provider.pages = [listing[start : start + size] for start in range(0, len(listing), size)] or [[]]


class Crash(BaseException):
    """The end of the process, which nothing in it can catch."""


@dataclass
class Way:
    """A way out that does, at each sending, the next of `plans`, and accepts when there are none.

    `accepted` counts by notice and destination. `unsure`: by destination, the key of the message with which the
    process ended: the next message there has to be the same.
    """

    plans: list[str] = field(default_factory=list)
    accepted: Counter[tuple[str, str]] = field(default_factory=Counter)
    unsure: dict[str, str] = field(default_factory=dict)
    rooms: int = 4_000

    def room(self, _destination: str) -> int:
        return self.rooms

    def shows_pictures(self, _destination: str) -> bool:
        return False

    def send(self, key: str, message: model.Message) -> None:
        plan = self.plans.pop(0) if self.plans else "accept"
        assert self.unsure.pop(key, message.dedup_key) == message.dedup_key
        if plan.startswith("crash"):
            self.unsure[key] = message.dedup_key
        if plan == "refuse":
            raise errors.Transient("not now")
        if plan == "crash before":
            raise Crash
        for notice in message.data["notices"]:
            self.accepted[notice["notice_id"], key] += 1
        if plan == "crash after":
            raise Crash


# The statement that fails: beyond the number of those that a pass has, none does.
STATEMENT = st.none() | st.integers(0, 45)
PLANS = st.lists(st.sampled_from(["accept", "accept", "refuse", "crash before", "crash after"]), max_size=3)
TROUBLE = st.sampled_from(
    [*[None] * 6, errors.Transient("away"), errors.Refused("no"), errors.RateLimited("wait", timedelta(hours=1))]
)
