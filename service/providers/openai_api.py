"""One account behind the openai SDK.

The SDK does the calling: connection pool, retries with `Retry-After`, time limits, proxies. Its reading of the
answers is left aside, because real payloads do not fit its types and building them costs more than all the
rest of a pass.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import openai

from service import errors, model
from service.providers import payloads
from service.rules import listing, patience

# Blips are retried by the SDK within the pass; what lasts longer is a matter for the next pass.
_RETRIES = 2


class OpenAIProvider:
    """An account at OpenAI or at any address that speaks its fine-tuning API (see ports.Provider).

    `request_timeout` bounds each attempt of a request.
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
    ) -> None:
        self._account = account
        self._client = openai.OpenAI(
            api_key=api_key,
            base_url=base_url,
            organization=organization,
            project=project,
            timeout=request_timeout.total_seconds(),
            max_retries=_RETRIES,
        )
        self._host = urlsplit(base_url).hostname or "the provider"
        self._jobs = self._client.fine_tuning.jobs
        # A job's course is worth one try now; what fails is read at a later pass.
        self._brief = self._client.with_options(
            timeout=min(request_timeout, patience.COURSE_BUDGET).total_seconds(), max_retries=0
        )
        self._closed = False

    def jobs(self, after: str | None) -> model.Page:
        answer = self._ask(
            lambda: self._jobs.with_raw_response.list(limit=listing.PAGE_SIZE, after=after if after else openai.omit)
        )
        entries, more = _data(answer, self._host)
        items = [payloads.item(entry) for entry in entries]
        readable = tuple(item for item in items if item)
        return model.Page(
            items=readable,
            after=readable[-1].job_id if more and readable else None,
            unreadable=tuple(payloads.dump(entry) for entry, item in zip(entries, items, strict=True) if item is None),
        )

    def retrieve(self, job_id: str) -> model.Item:
        item = payloads.item(_object(self._ask(lambda: self._jobs.with_raw_response.retrieve(job_id)), self._host))
        if item is None:
            raise errors.Permanent(f"{self._host} answered for job {job_id} with an object that has no id.")
        return item

    def read(self, item: model.Item) -> model.Job:
        return payloads.job(self._account, item.raw)

    def events(self, job_id: str, after: str | None) -> model.EventPage:
        answer = self._ask(
            lambda: self._brief.fine_tuning.jobs.with_raw_response.list_events(
                job_id, limit=listing.PAGE_SIZE, after=after if after else openai.omit
            )
        )
        entries, more = _data(answer, self._host)
        events = tuple(event for event in map(payloads.event, entries) if event)
        return model.EventPage(
            events=events,
            metrics=tuple(metric for metric in map(payloads.metric, entries) if metric),
            after=events[-1].event_id if more and events else None,
        )

    def checkpoints(self, job_id: str) -> tuple[model.Checkpoint, ...]:
        # Only the last three epochs' checkpoints are kept, so one page holds them all.
        answer = self._ask(
            lambda: self._brief.fine_tuning.jobs.checkpoints.with_raw_response.list(job_id, limit=listing.PAGE_SIZE)
        )
        entries, _ = _data(answer, self._host)
        return tuple(checkpoint for checkpoint in map(payloads.checkpoint, entries) if checkpoint)

    def results(self, file_id: str) -> tuple[model.Metric, ...]:
        return payloads.results(self._ask(lambda: self._brief.files.with_raw_response.content(file_id)))

    def page_url(self, job_id: str) -> str | None:
        """Known for OpenAI itself only."""
        return f"https://platform.openai.com/finetune/{job_id}" if self._host.endswith("api.openai.com") else None

    def close(self) -> None:
        """Cuts off what is under way; that and later calls raise errors.Stopped."""
        self._closed = True
        self._client.close()

    def _ask(self, call: Callable[[], Any]) -> bytes:
        try:
            with _translated(self._host, self._client.api_key):
                content: bytes = call().content
                return content
        except (errors.Transient, errors.Permanent, RuntimeError) as error:
            if self._closed:
                raise errors.Stopped("the program ends") from error
            raise


@contextlib.contextmanager
def _translated(host: str, key: str) -> Iterator[None]:
    """The SDK's exceptions in our words, without the key that some providers repeat in theirs."""
    try:
        yield
    except openai.APITimeoutError as error:
        raise errors.Transient(
            f"{host} did not answer in time. If that stays so, check the network or raise [poll] request_timeout."
        ) from error
    except openai.APIConnectionError as error:
        raise errors.Transient(
            f"{host} cannot be reached ({_root(error)}). Check the network, the proxy and base_url."
        ) from error
    except openai.APIStatusError as error:
        raise _of_status(host, error, _said(error).replace(key, "[key]")) from error
    except openai.OpenAIError as error:
        raise errors.Transient(f"{host} gave an answer that cannot be used: {type(error).__name__}.") from error


def _of_status(host: str, error: openai.APIStatusError, said: str) -> errors.TunewatchError:
    status = error.status_code
    if status == 401 and "scope" in said.lower():
        return errors.Refused(
            f"{host} lets the key in but not to this (401): {said} "
            "Give the key the right to read fine-tuning jobs and files."
        )
    if status == 401:
        return errors.Refused(f"{host} refuses the key (401): {said} Put a valid one into api_key and restart.")
    if status == 403:
        return errors.Refused(
            f"{host} refuses access (403): {said} Check the rights of the key, the project and the region."
        )
    if status == 404:
        return errors.NotFound(f"{host} does not have this (404): {said}")
    if status == 429 and error.code == "insufficient_quota":
        return errors.Refused(f"{host} says that the quota is used up (429): {said} Check the plan and billing there.")
    if status == 429:
        return errors.RateLimited(f"{host} asks us to slow down (429): {said}", _retry_after(error))
    if status in (408, 409) or status >= 500:
        return errors.Transient(f"{host} has trouble ({status}): {said}")
    return errors.Permanent(f"{host} does not accept the request ({status}): {said} Check base_url.")


def _said(error: openai.APIStatusError) -> str:
    """The provider's own sentence, ending in a full stop."""
    body = error.body if isinstance(error.body, dict) else {}
    message = body.get("message")
    if not isinstance(message, str) or not message:
        kind = error.response.headers.get("content-type", "nothing")
        return f"the answer holds no explanation ({kind})."
    return " ".join(message.split())[:500].rstrip(".") + "."


def _retry_after(error: openai.APIStatusError) -> timedelta | None:
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
        return timedelta(seconds=min(max(seconds, 0), 86400))
    except (ValueError, OverflowError):
        return None


def _root(error: BaseException) -> str:
    """The innermost reason of a failed connection: the SDK itself only says "Connection error."."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__


def _object(content: bytes, host: str) -> dict[str, Any]:
    try:
        answer = json.loads(content)
        if b"\\ud" in content.lower():
            # Half of a surrogate pair is no character and no database keeps it: a question mark stands for it.
            answer = json.loads(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))
    except ValueError as error:
        start = content[:60].decode("utf-8", "replace").strip()
        raise errors.Transient(
            f"{host} answered with something that is not JSON ({start!r}). Check base_url and the proxies on the way."
        ) from error
    if not isinstance(answer, dict):
        raise errors.Transient(f"{host} answered with JSON that is not an object. Check base_url.")
    return answer


def _data(content: bytes, host: str) -> tuple[list[Any], bool]:
    """The entries of a list answer, and whether there are more."""
    answer = _object(content, host)
    entries = answer.get("data")
    if not isinstance(entries, list):
        raise errors.Transient(f"{host} answered a listing without a list in `data`. Check base_url.")
    return entries, answer.get("has_more") is True
