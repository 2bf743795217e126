"""What can go wrong with a provider, in our words: each kind with what to do about it, none with the key in it."""

import contextlib
import email.utils
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2  # the openai SDK rests on it and lets this one error through
import openai

from service import errors
from service.rules import masking

# What a provider may ask of us: were it obeyed for longer, nobody would hear that we cannot see.
_LONGEST_PAUSE_SECONDS = 3600


@contextlib.contextmanager
def translated(host: str, key: str) -> Iterator[None]:
    """The SDK's exceptions become ours; some providers repeat the key in theirs, so it is masked."""
    try:
        yield
    except openai.APITimeoutError as error:
        raise errors.Transient(
            f"{host} did not answer in time. If that stays so, check the network or raise [poll] request_timeout."
        ) from error
    except openai.APIConnectionError as error:
        raise errors.Transient(
            f"{host} cannot be reached ({masked(_root(error), key)}). Check the network, the proxy and base_url."
        ) from error
    except openai.APIStatusError as error:
        raise _of_status(host, error, _said(error, key)) from error
    except errors.Transient as error:
        raise errors.Transient(f"{host}: {error}. Check the network and the proxies on the way.") from error
    except openai.OpenAIError as error:
        raise errors.Transient(f"{host} gave an answer that cannot be used: {type(error).__name__}.") from error
    except (ValueError, httpx2.InvalidURL) as error:
        # The ways to refuse what is to be put into an address, such as the id `..` or one of 100 000 characters.
        raise errors.Permanent(f"This cannot be asked of {host}: {masked(str(error), key)}") from error


def masked(text: str, key: str) -> str:
    """`text` without the key in any spelling, and without what else is known to be secret, such as a proxy's login."""
    return masking.KNOWN.cut(masking.Mask([key]).cut(text).replace(masking.MASK, "[key]"))


@contextlib.contextmanager
def of_proxies() -> Iterator[None]:
    """A proxy that cannot be used is a fault of the configuration; the library's words hold a part of its login."""
    try:
        yield
    except (httpx2.InvalidURL, ValueError, ImportError):
        raise errors.Configuration("the environment", [errors.Fault(
            key="HTTPS_PROXY, HTTP_PROXY or ALL_PROXY", problem="names no proxy that can be used",
            remedy="write http://user:password@host:port, and the signs in the password as %XX",
        )]) from None  # fmt: skip


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
    if status == 429 and "insufficient_quota" in (error.code, error.type):
        return errors.Refused(f"{host} says that the quota is used up (429): {said} Check the plan and billing there.")
    if status == 429:
        return errors.RateLimited(f"{host} asks us to slow down (429): {said}", _retry_after(error))
    if status in (408, 409) or status >= 500:
        text, pause = f"{host} has trouble ({status}): {said}", _retry_after(error)
        return errors.RateLimited(text, pause) if pause else errors.Transient(text)
    return errors.Permanent(f"{host} does not accept the request ({status}): {said} Check base_url.")


def _said(error: openai.APIStatusError, key: str) -> str:
    """The provider's own sentence, ending in a full stop."""
    body = error.body if isinstance(error.body, dict) else {}
    message = body.get("message")
    if not isinstance(message, str) or not message:
        kind = error.response.headers.get("content-type", "empty")
        return f"the answer holds no explanation ({kind})."
    return masked(" ".join(message.split()), key)[:500].rstrip(".") + "."


def _retry_after(error: openai.APIStatusError) -> timedelta | None:
    headers = error.response.headers
    asked = headers.get("retry-after", "")
    try:
        seconds = float(asked)
    except ValueError:
        seconds = _seconds_until(asked, headers.get("date", ""))
    try:
        return timedelta(seconds=min(max(seconds, 0), _LONGEST_PAUSE_SECONDS))
    except ValueError:
        return None


def _seconds_until(asked: str, now: str) -> float:
    """From one HTTP date to another, both by the clock of the same server, if it sends its own; nan for no date."""
    try:
        until = email.utils.parsedate_to_datetime(asked)
        since = email.utils.parsedate_to_datetime(now) if now else datetime.now(UTC)
        return (until - since).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return float("nan")


def _root(error: BaseException) -> str:
    """The innermost reason of a failed connection: the SDK itself only says "Connection error."."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__
