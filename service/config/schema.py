"""The settings: their names, types, defaults and limits. README.md documents each."""

import re
import zoneinfo
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import pydantic

from service import clock, model
from service.config.source import BACKUP_EVERY, DATABASE_URL


def _duration(value: Any) -> Any:
    return clock.to_duration(value if isinstance(value, str) else "")


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError('is not a known time zone: write for example "UTC" or "Europe/Berlin"') from None
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", value):
        raise ValueError("is not a name: use letters, digits, dots, dashes and underscores, up to 63 of them")
    return value


def _address(value: str) -> str:
    try:
        usable = re.fullmatch(r"https?://[^\s/]+(/\S*)?", value) and urlsplit(value).port != 0
    except ValueError:  # a port that is no number, an unclosed bracket
        usable = False
    if not usable:
        raise ValueError('is not an address: write for example "https://api.openai.com/v1"')
    return value


def _first_run(value: Any) -> Any:
    if value == "silent":
        return None
    try:
        return _duration(value)
    except ValueError:
        raise ValueError('is neither "silent" nor an age: write "silent", or for example "24h"') from None


def _key(value: pydantic.SecretStr) -> pydantic.SecretStr:
    if not value.get_secret_value().isascii() or not value.get_secret_value().isprintable():
        raise ValueError("holds characters that no key has: copy it again, without quotes and dashes of a text editor")
    return value


def _at_least(least: str) -> pydantic.AfterValidator:
    shortest = _duration(least)

    def check(value: timedelta) -> timedelta:
        if value < shortest:
            raise ValueError(f'is too short: write at least "{least}"')
        return value

    return pydantic.AfterValidator(check)


def _filled(value: pydantic.SecretStr) -> pydantic.SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("is empty: give it a value, or set the environment variable it comes from")
    return value


def _clock_time(text: str) -> time | None:
    """`09:00`; None for anything else."""
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text.strip())
    return time(int(match[1]), int(match[2])) if match else None


def _digest(value: Any) -> Any:
    words = str(value).split()
    at = _clock_time(words[1]) if len(words) == 2 and words[0] == "daily" else None
    if value is not None and at is None:
        raise ValueError('is not a rhythm: write for example "daily 09:00"')
    return at


def _quiet(value: Any) -> Any:
    if value is None:
        return None
    ends = tuple(_clock_time(end) for end in str(value).split("-"))
    if len(ends) != 2 or None in ends or ends[0] == ends[1]:
        raise ValueError('is not a part of the day: write for example "22:00-07:00"')
    return ends


def _told(value: list[model.Kind]) -> list[model.Kind]:
    if model.Kind.DIGEST in value:
        raise ValueError('names digest, which is no kind to ask for: write digest = "daily 09:00" into the channel')
    return value


Duration = Annotated[timedelta, pydantic.BeforeValidator(_duration)]
Name = Annotated[str, pydantic.AfterValidator(_name)]
Kinds = Annotated[list[model.Kind], pydantic.AfterValidator(_told)]
Language = Literal["en", "ja"]
Secret = Annotated[pydantic.SecretStr, pydantic.AfterValidator(_filled)]


class Section(pydantic.BaseModel):
    """A table of the file: unknown keys are mistakes, and what was read does not change any more."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=False)


class Poll(Section):
    interval: Annotated[Duration, _at_least("1s")] = timedelta(seconds=30)
    idle_interval: Annotated[Duration, _at_least("1s")] = timedelta(minutes=5)
    request_timeout: Annotated[Duration, _at_least("1s")] = timedelta(seconds=20)
    first_run: Annotated[timedelta | None, pydantic.BeforeValidator(_first_run)] = None
    blind_after: Annotated[Duration, _at_least("1s")] = timedelta(minutes=15)


class Database(Section):
    url: str = DATABASE_URL
    keep_events: Annotated[Duration, _at_least("1d")] = timedelta(days=180)
    backup: Path | None = None
    backup_every: Annotated[Duration, _at_least("1h")] = BACKUP_EVERY
    backup_keep: int = pydantic.Field(default=7, ge=1)


class Notices(Section):
    timezone: Annotated[str, pydantic.AfterValidator(_zone)] = "UTC"
    language: Language = "en"
    give_up_after: Annotated[Duration, _at_least("1m")] = timedelta(hours=72)
    stalled_after: Annotated[Duration, _at_least("1m")] = timedelta(hours=6)
    model_question: bool = False
    templates: Path | None = None


class Price(Section):
    """What a model's training costs: for a million trained tokens, or for an hour of it."""

    per_million_tokens: float | None = pydantic.Field(default=None, ge=0)
    per_hour: float | None = pydantic.Field(default=None, ge=0)
    currency: str = "USD"

    @pydantic.model_validator(mode="after")
    def _one_of_both(self) -> "Price":
        if (self.per_million_tokens is None) == (self.per_hour is None):
            raise ValueError("needs one of both: write per_million_tokens, or per_hour")
        return self


class Account(Section):
    name: Name
    provider: Literal["openai"] = "openai"
    api_key: Annotated[Secret, pydantic.AfterValidator(_key)]
    base_url: Annotated[str, pydantic.AfterValidator(_address)] = "https://api.openai.com/v1"
    organization: str | None = None
    project: str | None = None


class Channel(Section):
    name: Name
    url: list[Secret] = pydantic.Field(min_length=1)
    on: Kinds = [
        model.Kind.SUCCEEDED,
        model.Kind.FAILED,
        model.Kind.CANCELLED,
        model.Kind.STALLED,
        model.Kind.WATCH_FAILING,
        model.Kind.WATCH_RECOVERED,
        model.Kind.DELIVERY_FAILED,
    ]
    accounts: list[str] = ["*"]
    models: list[str] = ["*"]
    metadata: dict[str, str] = {}
    min_duration: Duration = timedelta(0)
    group_wait: Duration = timedelta(seconds=10)
    quiet: Annotated[tuple[time, time] | None, pydantic.BeforeValidator(_quiet)] = None
    urgent: Kinds = []
    most_per_hour: int | None = pydantic.Field(default=None, ge=1)
    digest: Annotated[time | None, pydantic.BeforeValidator(_digest)] = None
    fallback: str | None = None
    fallback_after: int = pydantic.Field(default=3, ge=1)
    language: Language | None = None

    @pydantic.field_validator("url", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return value if isinstance(value, list) else [value]


class Priced(Section):
    """What statistics need of the file."""

    prices: dict[str, Price] = {}


class Settings(Priced):
    poll: Poll = Poll()
    database: Database = Database()
    notices: Notices = Notices()
    accounts: list[Account] = pydantic.Field(min_length=1)
    channels: list[Channel] = []
