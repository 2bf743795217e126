"""What one key sees: its jobs, its files, its models; and how jobs get there by themselves."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import inf
from random import Random
from threading import Lock
from typing import NamedTuple

from . import draws, forms, jobs, lives, payloads
from .failures import FAILURES
from .ids import drawn
from .lives import Durations, Ending, Life, Spec
from .payloads import JSON


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """How a key is set up. Calls that need one of `missing_scopes`, such as `api.files.read`, are refused."""

    organization_id: str = "org-simulated"
    missing_scopes: Collection[str] = ()


class _Upload(NamedTuple):
    shown: JSON
    content: bytes


class Project:
    """The jobs and files of one key. Callers hold `lock` around every use, and read the clock inside it."""

    def __init__(self, account: Account, seed: str, speed: float, now: float, every: float | None) -> None:
        self.account = account
        self.speed = speed
        self.lock = Lock()
        self.jobs = jobs.Jobs()
        self.rng = Random(seed)
        # Arrivals have their own generator: when somebody looks must not change what arrives.
        self._arrivals = Random(f"{seed}/arrivals")
        self._arrival_seconds = every / speed if every else inf
        self._next_arrival_at = now + self._arrival_seconds
        self._makers: dict[str, jobs.Job] = {}  # result file or tuned model -> the job that makes it
        self._jobs_indexed = 0
        self._uploads: dict[str, _Upload] = {}
        self._deleted: set[str] = set()
        self.shutdowns: dict[str, str | None] = {}

    def create(
        self,
        spec: Spec,
        created_at: float,
        *,
        ending: Ending = "succeeded",
        reason: str | None = None,
        durations: Durations | None = None,
    ) -> str:
        """Place one job; what is not given is drawn. Returns its id."""
        life = self._life(self.rng, spec, created_at, ending, reason, durations)
        self.jobs.add(life.id, created_at, jobs.Job(life))
        return life.id

    def fill(self, count: int, *, since: float, until: float, unfinished: int = 0) -> None:
        """Place `count` jobs, created evenly from `since` to `until`; `unfinished` of them never end.

        Past 256 jobs orders repeat: drawing each afresh would take as long as all the rest.
        """
        specs = [draws.any_spec(self.rng) for _ in range(min(count, 256))]

        def one(place: int) -> Life:
            created_at = since + (until - since) * place / count
            endless = (place + 1) * unfinished // count > place * unfinished // count
            ending = "endless" if endless else draws.past_ending(self.rng)
            return self._life(self.rng, specs[place % len(specs)], created_at, ending)

        self.jobs.extend(map(one, range(count)))

    def arrive(self, now: float) -> None:
        """Place the jobs that have come by themselves since the last call."""
        rng = self._arrivals
        while self._next_arrival_at <= now:
            created_at = self._next_arrival_at
            life = self._life(rng, draws.any_spec(rng), created_at, draws.new_ending(rng))
            self.jobs.add(life.id, created_at, jobs.Job(life))
            self._next_arrival_at += self._arrival_seconds * rng.uniform(0.5, 1.5)

    def _life(
        self,
        rng: Random,
        spec: Spec,
        created_at: float,
        ending: Ending,
        reason: str | None = None,
        durations: Durations | None = None,
    ) -> Life:
        return lives.plan(
            id=drawn(rng, "ftjob-"),
            organization_id=self.account.organization_id,
            spec=spec,
            created_at=created_at,
            ending=ending,
            failure=FAILURES[reason or draws.reason(rng, spec)] if ending == "failed" else None,
            durations=durations or draws.durations(rng),
            speed=self.speed,
        )

    def upload(self, filename: str, purpose: str, content: bytes, now: float) -> JSON:
        id = drawn(self.rng, "file-")
        shown = payloads.file(id=id, created_at=now, filename=filename, purpose=purpose, size=len(content))
        self._uploads[id] = _Upload(shown, content)
        return shown

    def file_ids(self, now: float, purpose: str | None = None) -> list[str]:
        """Uploads and result files, oldest first."""
        found = [(file["created_at"], id, file["purpose"]) for id, (file, _) in self._uploads.items()]
        for life in self._succeeded(now):
            found.append((life.course[-1].since, payloads.result_file_id(life), "fine-tune-results"))
        return [id for _, id, of in sorted(found) if id not in self._deleted and purpose in (None, of)]

    def file(self, id: str, now: float) -> JSON:
        """Raises Unknown."""
        if id in self._uploads:
            return self._uploads[id].shown
        return payloads.result_file(self._maker(id, now))

    def content(self, id: str, now: float) -> bytes:
        """Raises Unknown."""
        if id in self._uploads:
            return self._uploads[id].content
        return payloads.result_content(self._maker(id, now))

    def delete_file(self, id: str, now: float) -> None:
        """Raises Unknown."""
        self.file(id, now)
        self._uploads.pop(id, None)
        self._deleted.add(id)

    def models(self, now: float) -> list[JSON]:
        tuned = [payloads.tuned_model(life, self.shutdowns) for life in self._succeeded(now)]
        return [*payloads.base_models(self.shutdowns), *tuned]

    def model(self, id: str, now: float) -> JSON:
        """Raises Unknown."""
        base = next((shown for shown in payloads.base_models(self.shutdowns) if shown["id"] == id), None)
        return base or payloads.tuned_model(self._maker(id, now), self.shutdowns)

    def complete(self, question: forms.Question, now: float) -> JSON:
        """An answer of a model. Raises Unknown."""
        self.model(question.model, now)
        id = drawn(self.rng, "chatcmpl-")
        return payloads.completion(
            id=id, model=question.model, created_at=now, tokens=question.tokens, limit=question.limit
        )

    def _maker(self, made: str, now: float) -> Life:
        """The succeeded job that made this file or model."""
        self._index()
        job = self._makers.get(made)
        if made in self._deleted or job is None or job.life is None or not job.succeeded(now):
            raise jobs.Unknown(made)
        return job.life

    def _index(self) -> None:
        # Left until somebody asks: for a hundred thousand jobs it would double the time of placing them.
        for job in self.jobs.added(self._jobs_indexed):
            self._jobs_indexed += 1
            if job.life is not None:
                self._makers[payloads.result_file_id(job.life)] = job
                self._makers[payloads.fine_tuned_model(job.life)] = job

    def _succeeded(self, now: float) -> Iterator[Life]:
        oldest_first = self.jobs.walk(now, oldest_first=True)
        return (job.life for job in oldest_first if job.life is not None and job.succeeded(now))
