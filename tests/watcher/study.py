"""A bench with a past to read, and ways to its provider that fail or have much to tell."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from service import model
from service.providers.openai_api import OpenAIProvider
from service.rules import patience
from service.store.past import Backlog
from service.watcher import past
from tests.conftest import START, Bench

LONG_AGO = (START - timedelta(days=40)).timestamp()
CSV = b"step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n1,2.5,0.5,,\n2,1.25,,0.75,0.25\n"


class Way:
    """The bench's provider; what is asked of a job in `troubles` raises, and `asked` remembers what was asked."""

    def __init__(self, provider: OpenAIProvider) -> None:
        self._provider = provider
        self.troubles: dict[str, Exception] = {}
        self.asked: Counter[tuple[str, str]] = Counter()
        self.meanwhile: Callable[[], object] = lambda: None

    def __getattr__(self, name: str) -> Any:
        asking = getattr(self._provider, name)

        def ask(what: str, *rest: Any) -> Any:
            self.asked[name, what] += 1
            self.meanwhile()
            for key in (what, name):
                if key in self.troubles:
                    raise self.troubles[key]
            return asking(what, *rest)

        return ask


@dataclass
class Study:
    """A bench with a past to read; `again` makes a new process of it."""

    bench: Bench
    way: Way
    one: past.Past = field(init=False)

    def __post_init__(self) -> None:
        self.again()

    def again(self, **changes: Any) -> None:
        bench = self.bench
        given: dict[str, Any] = {"provider": self.way, "pace": patience.GENTLE, **changes}
        backlog = Backlog(bench.record._engine)
        self.one = past.Past("main", record=bench.record, backlog=backlog, time=bench.clock, **given)

    def read(self) -> past.Report:
        """One pass; then the pause that it asks for goes by."""
        report = self.one.read(self.bench.clock.now())
        self.bench.clock.time += report.next_in
        return report

    def read_all(self, most: int = 1000) -> list[past.Report]:
        reports = [self.read()]
        while reports[-1].left:
            assert len(reports) < most
            reports.append(self.read())
        return reports

    def known(self, job_id: str) -> tuple[int, int, int]:
        """How many events, metrics and checkpoints."""
        reading = self.bench.reading
        job = reading.job(job_id)
        events = reading.events(job=job, limit=10_000)
        return len(events), len(reading.metrics(job)), len(reading.checkpoints(job))


class Long(Way):
    """Every course has so many pages of one event each, the newest first; one takes 20 s."""

    def __init__(self, study: Study, pages: int) -> None:
        super().__init__(study.bench.provider)
        self._study = study
        self._pages = pages
        self.pages_asked: list[int] = []

    def events(self, _job_id: str, after: str | None) -> model.EventPage:
        self._study.bench.clock.move(seconds=20)
        number = int(after or 0) + 1
        self.pages_asked.append(number)
        at = START - timedelta(days=40, minutes=number)
        event = model.Event(event_id=str(number), created_at=at, level="info", type="message", message="on")
        return model.EventPage(events=(event,), metrics=(), after=str(number) if number < self._pages else None)
