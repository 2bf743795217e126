"""One account behind the openai SDK.

The SDK does the calling: connection pool, retries with `Retry-After`, time limits, proxies. Its reading of the
answers is left aside, because real payloads do not fit its types and building them costs more than all the
rest of a pass.
"""

import copy
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx2  # the openai SDK rests on it
import openai

from service import bounded, errors, model
from service.providers import payloads, trouble
from service.rules import listing, masking, patience, plain

# With all its retries and the pauses that the provider may ask for in between (120 s each).
_LONGEST_SECONDS = 300.0
# Of one answer, unpacked. The largest are result files: a hundred thousand steps are some ten MB.
_LONGEST_ANSWER_BYTES = 32 * 1024 * 1024
# What a model that thinks before it speaks is refused with when it may say one word only: it works.
_CUT_OFF = "output limit was reached"
# For all of one request for a course, against the limit for each answer of the network.
_BRIEF_FACTOR = 1.5


class OpenAIProvider:
    """An account at OpenAI or at any address that speaks its fine-tuning API (see ports.Provider).

    `request_timeout` bounds each attempt of a request. Blips are tried again by the SDK within the pass, `retries`
    times; what lasts longer is a matter for the next pass.
    """

    def __init__(
        self,
        *,
        account: str,
        api_key: str,
        base_url: str,
        request_timeout: timedelta,
        organization: str | None = None,
        project: str | None = None,
        retries: int = 2,
    ) -> None:
        self._account = account
        self._key = api_key
        self._mask = masking.Mask([api_key])
        # From now on no log line holds them, whoever writes it.
        servers = [base_url, *getproxies().values()]
        masking.KNOWN.learn(api_key, *(word for server in servers for word in masking.in_url(server)))
        with trouble.of_proxies():
            self._client = openai.OpenAI(
                api_key=api_key,
                base_url=base_url,
                organization=organization,
                project=project,
                timeout=request_timeout.total_seconds(),
                max_retries=retries,
                http_client=openai.DefaultHttpxClient(event_hooks={"response": [_bound]}),
            )
        self._host = urlsplit(base_url).netloc.rpartition("@")[2] or "the provider"
        self.api_url = masking.shown(base_url)
        self._jobs = self._client.fine_tuning.jobs
        # A job's course is worth one try now; what fails is read at a later pass.
        self._request_timeout = request_timeout
        self._be_brief(min(request_timeout, patience.COURSE_BUDGET))
        self._closed = threading.Event()
        self._lanes: list[bounded.Lane] = []
        self._take_lanes()

    def _take_lanes(self) -> None:
        self._lane, self._brief_lane = bounded.Lane(), bounded.Lane()
        # One list for all likes.
        self._lanes += (self._lane, self._brief_lane)

    def _be_brief(self, timeout: timedelta) -> None:
        self._brief_seconds = _BRIEF_FACTOR * timeout.total_seconds()
        self._brief = self._client.with_options(timeout=timeout.total_seconds(), max_retries=0)

    def unhurried(self) -> "OpenAIProvider":
        """The same account for work that nobody waits for: each request may take as long as `request_timeout` allows,
        and none is tried again.

        Its calls do not wait for ours, nor ours for them. Closing one closes both.
        """
        other = copy.copy(self)
        other._be_brief(self._request_timeout)
        other._jobs = other._brief.fine_tuning.jobs
        other._take_lanes()
        return other

    def jobs(self, after: str | None) -> model.Page:
        try:
            answer = self._ask(
                lambda: self._jobs.with_raw_response.list(limit=listing.PAGE_SIZE, after=after or openai.omit)
            )
        except errors.NotFound as error:
            raise errors.Permanent(f"{error} There is no list of fine-tuning jobs there: check base_url.") from error
        entries, more = self._data(answer)
        items = [payloads.item(entry) for entry in entries]
        readable = tuple(item for item in items if item)
        if more and entries and not readable:
            # Without an id there is no way to the next page, and what cannot be read must not pass for nothing.
            raise errors.Transient(f"{self._host} answered a page of jobs of which none has a usable id.")
        return model.Page(
            items=readable,
            after=readable[-1].job_id if more and readable else None,
            unreadable=tuple(
                plain.json_text(entry) for entry, item in zip(entries, items, strict=True) if item is None
            ),
        )

    def retrieve(self, job_id: str) -> model.Item:
        item = payloads.item(self._object(self._ask(lambda: self._jobs.with_raw_response.retrieve(job_id))))
        if item is None:
            raise errors.Permanent(f"{self._host} answered for job {job_id} with an object that has no id.")
        if item.job_id != job_id:
            other = plain.line(item.job_id, 120)
            raise errors.Permanent(f"{self._host} answered for job {job_id} with another one, {other}.")
        return item

    def read(self, item: model.Item) -> model.Job:
        return payloads.job(self._account, item.raw)

    def events(self, job_id: str, after: str | None) -> model.EventPage:
        answer = self._ask(
            lambda: self._brief.fine_tuning.jobs.with_raw_response.list_events(
                job_id, limit=listing.PAGE_SIZE, after=after or openai.omit
            ),
            brief=True,
        )
        entries, more = self._data(answer)
        events = tuple(event for event in map(payloads.event, entries) if event)
        return model.EventPage(
            events=events,
            metrics=tuple(metric for metric in map(payloads.metric, entries) if metric),
            after=events[-1].event_id if more and events else None,
        )

    def checkpoints(self, job_id: str) -> tuple[model.Checkpoint, ...]:
        # Only the last three epochs' checkpoints are kept, so one page holds them all.
        answer = self._ask(
            lambda: self._brief.fine_tuning.jobs.checkpoints.with_raw_response.list(job_id, limit=listing.PAGE_SIZE),
            brief=True,
        )
        entries, _ = self._data(answer)
        return tuple(checkpoint for checkpoint in map(payloads.checkpoint, entries) if checkpoint)

    def results(self, file_id: str) -> tuple[model.Metric, ...]:
        return payloads.results(self._ask(lambda: self._brief.files.with_raw_response.content(file_id), brief=True))

    def models(self) -> tuple[model.ListedModel, ...]:
        # Not in pages at OpenAI; where it is, what stands on later ones is not seen.
        entries, _ = self._data(self._ask(lambda: self._brief.models.with_raw_response.list(), brief=True))
        return tuple(listed for listed in map(payloads.listed_model, entries) if listed)

    def model(self, name: str) -> model.ListedModel:
        answer = self._object(self._ask(lambda: self._brief.models.with_raw_response.retrieve(name), brief=True))
        # Its own name may be spelt otherwise, or be missing; it is there all the same.
        return payloads.listed_model({**answer, "id": name}) or model.ListedModel(name=name)

    def ask(self, name: str) -> None:
        try:
            self._question(name, "max_completion_tokens")
        except errors.Permanent as error:
            if _CUT_OFF in str(error):
                return
            if "max_completion_tokens" not in str(error):
                raise
            # The older word, which many servers know only, and newer models at OpenAI refuse.
            self._question(name, "max_tokens")

    def _question(self, name: str, limit: str) -> None:
        answer = self._ask(
            lambda: self._brief.chat.completions.with_raw_response.create(
                model=name, messages=[{"role": "user", "content": "Hello"}], extra_body={limit: 1}
            ),
            brief=True,
        )
        self._object(answer)

    def page_url(self, job_id: str) -> str | None:
        """Known for OpenAI itself only."""
        return f"https://platform.openai.com/finetune/{job_id}" if self._host.endswith("api.openai.com") else None

    def close(self) -> None:
        """Cuts off what is under way, here and in its `unhurried` likes; that and later calls raise errors.Stopped."""
        self._closed.set()
        for lane in self._lanes:
            # A read that waits for a silent server does not notice that its connection was closed.
            lane.leave()
        self._client.close()

    def _ask(self, call: Callable[[], Any], *, brief: bool = False) -> bytes:
        try:
            with trouble.translated(self._host, self._key):
                lane = self._brief_lane if brief else self._lane
                seconds = self._brief_seconds if brief else _LONGEST_SECONDS
                content: bytes = lane.run(lambda: self._content(call()), seconds)
                # What repeats the key, as an error of a job may, is kept without it.
                return self._mask.cut_bytes(content)
        except (errors.Transient, errors.Permanent, RuntimeError) as error:
            if self._closed.is_set():
                raise errors.Stopped("the program ends") from error
            raise

    def _content(self, answer: Any) -> bytes:
        if self._closed.is_set():
            # The connection was still being made when the client closed those it had, so it does not know of this one.
            answer.http_response.extensions["network_stream"].close()
        content: bytes = answer.content
        return content

    def _object(self, content: bytes) -> dict[str, Any]:
        try:
            answer = payloads.parsed(content)
        except (ValueError, RecursionError) as error:
            start = trouble.masked(content.decode("utf-8", "replace"), self._key).strip()[:60]
            raise errors.Transient(
                f"{self._host} answered with something that is not JSON ({start!r}). "
                "Check base_url and the proxies on the way."
            ) from error
        if not isinstance(answer, dict):
            raise errors.Transient(f"{self._host} answered with JSON that is not an object. Check base_url.")
        return answer

    def _data(self, content: bytes) -> tuple[list[Any], bool]:
        """The entries of a list answer, and whether there are more."""
        answer = self._object(content)
        entries = answer.get("data")
        if not isinstance(entries, list):
            raise errors.Transient(f"{self._host} answered a listing without a list in `data`. Check base_url.")
        return entries, answer.get("has_more") is True


def _bound(response: httpx2.Response) -> None:
    """Whoever reads the answer gets so much and no more: one without an end, or packed a thousandfold, fills the memory
    long before the time is up."""
    read_on = response.iter_bytes

    def iter_bytes(chunk_size: int | None = None) -> Iterator[bytes]:
        read = 0
        for part in read_on(chunk_size):
            read += len(part)
            if read > _LONGEST_ANSWER_BYTES:
                # Nobody reads it to its end, which would close the connection.
                response.close()
                raise errors.Transient(f"the answer is longer than {plain.megabytes(_LONGEST_ANSWER_BYTES)}")
            yield part

    response.iter_bytes = iter_bytes  # type: ignore[method-assign]
