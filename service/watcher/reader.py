"""Getting at an account's jobs with as few requests as possible."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime

from service import errors, model, ports
from service.rules import listing

log = logging.getLogger(__name__)


class Reader:
    """Reads pages and single jobs of one account.

    `trouble` is told of what goes wrong with a single job; `missed` remembers, from pass to pass, which were not found.
    """

    def __init__(
        self,
        account: str,
        provider: ports.Provider,
        record: ports.Record,
        trouble: Callable[[str], None],
        missed: set[str],
    ) -> None:
        self._account = account
        self._provider = provider
        self._record = record
        self._trouble = trouble
        self._missed = missed

    def pages(self, walk: listing.Walk, unfinished: Mapping[str, datetime | None]) -> Iterator[model.Page]:
        """The pages needed: those since the watermark, then as many more as are cheaper than single requests."""
        after, more = None, True
        while more:
            page = self._provider.jobs(after)
            more = walk.take(page)
            yield page
            after = page.after
        wanted = self._depth(walk, unfinished) if after and not walk.repeated else 0
        while after and walk.pages < wanted and not walk.repeated:
            page = self._provider.jobs(after)
            walk.take(page)
            yield page
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
        """Unfinished jobs by their ids; one that the provider twice says not to have is not asked for again."""
        # From another one each time: a provider that lets us ask for some only must not starve the rest.
        ids = sorted(missing)
        start = int(now.timestamp()) % len(ids) if ids else 0
        for job_id in ids[start:] + ids[:start]:
            try:
                yield self._provider.retrieve(job_id)
            except errors.NotFound:
                if job_id not in self._missed:
                    self._missed.add(job_id)
                    continue
                log.warning(
                    "%s: job %s is no longer at the provider; its history stays, it is not asked for any more",
                    self._account, job_id,
                )  # fmt: skip
                self._record.gone(self._account, job_id, now)
            except (errors.RateLimited, errors.Refused):
                raise
            except (errors.Transient, errors.Permanent) as error:
                self._trouble(f"job {job_id} cannot be read: {error}")
