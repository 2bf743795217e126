"""Getting at an account's jobs with as few requests as possible."""

import dataclasses
import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from service import errors, model, ports
from service.rules import listing, plain

# What troubles so many requests for single jobs in a row will trouble the next; each may take a minute.
_TROUBLES_IN_A_ROW = 3


class Trouble(Protocol):
    """Told of what goes wrong within a pass; tells people once per cause (by default what `text` says)."""

    def __call__(self, text: str, cause: str | None = None) -> None: ...


@dataclass
class Memory:
    """What is known from pass to pass of the jobs that have to be asked for by their ids.

    `missed`: those not found at the last asking. `unread`: those that cannot be read, and since when; `reason`: why
    not, at the last asking; `told`: those of them that people were told of.
    """

    missed: set[str] = field(default_factory=set)
    unread: dict[str, datetime] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    reason: str | None = None

    def keep(self, missing: Collection[str]) -> None:
        """Forget all others: they were met in the listing, or are at an end."""
        self.missed &= set(missing)
        self.unread = {job_id: since for job_id, since in self.unread.items() if job_id in missing}
        self.told &= self.unread.keys()

    def met(self, job_id: str) -> None:
        self.missed.discard(job_id)
        self.unread.pop(job_id, None)
        self.told.discard(job_id)

    def to_tell(self, now: datetime, blind_after: timedelta) -> list[str]:
        """The jobs that cannot be read and were not told of, once one of them has been so for long enough."""
        untold = sorted(self.unread.keys() - self.told)
        return untold if any(abs(now - self.unread[job_id]) >= blind_after for job_id in untold) else []


class Reader:
    """Reads pages and single jobs of one account. `gone`: the jobs that the provider turned out to no longer have."""

    def __init__(
        self, account: str, provider: ports.Provider, record: ports.Record, trouble: Trouble, memory: Memory
    ) -> None:
        self._account = account
        self._provider = provider
        self._record = record
        self._trouble = trouble
        self._memory = memory
        self.gone: list[str] = []

    def pages(self, walk: listing.Walk, unfinished: Mapping[str, datetime | None]) -> Iterator[model.Page]:
        """The pages needed: those since the watermark, then as many more as are cheaper than single requests.

        Each holds only what no page before it had.
        """
        after, more = None, True
        while more:
            page = self._provider.jobs(after)
            more = walk.take(page)
            yield dataclasses.replace(page, items=walk.fresh)
            after = page.after
        wanted = self._depth(walk, unfinished) if after and not walk.repeated else 0
        while after and walk.pages < wanted and not walk.repeated:
            page = self._provider.jobs(after)
            walk.take(page)
            yield dataclasses.replace(page, items=walk.fresh)
            after = page.after

    def _depth(self, walk: listing.Walk, unfinished: Mapping[str, datetime | None]) -> int:
        missing = [created for job_id, created in unfinished.items() if job_id not in walk.seen]
        if not missing:
            return 0
        # Deeper than this, reading on costs more than asking for every missing job by its id.
        depth = walk.pages + len(missing)
        return listing.pages_worth_reading(
            missing, self._record.page_ends(self._account, listing.PAGE_SIZE, depth), walk.pages
        )

    def retrieved(self, missing: Collection[str], now: datetime) -> Iterator[model.Item]:
        """Unfinished jobs by their ids; one that the provider twice in a row says not to have is `gone`.

        Ends early when one request after the other has trouble: then the others have their turn at the next pass.
        """
        self._memory.keep(missing)
        ids = sorted(missing)
        # From another one each time: a provider that lets us ask for some only must not starve the rest.
        start = random.Random(now.timestamp()).randrange(len(ids)) if ids else 0
        in_a_row = 0
        for job_id in ids[start:] + ids[:start]:
            try:
                item = self._provider.retrieve(job_id)
            except errors.NotFound:
                in_a_row = 0
                self._not_found(job_id)
            except (errors.RateLimited, errors.Refused):
                raise
            except (errors.Transient, errors.Permanent) as error:
                in_a_row += isinstance(error, errors.Transient)
                self._memory.unread.setdefault(job_id, now)
                self._memory.reason = str(error)
                self._trouble(f"job {plain.line(job_id, 120)} cannot be read: {error}", cause=f"unread: {error}")
                if in_a_row == _TROUBLES_IN_A_ROW:
                    return
            else:
                in_a_row = 0
                self._memory.met(job_id)
                yield item

    def _not_found(self, job_id: str) -> None:
        # Once may be a slip of the provider.
        if job_id in self._memory.missed:
            self.gone.append(job_id)
        self._memory.missed.add(job_id)
