"""The settings: their names, types, defaults and limits. README.md documents each."""

import re
import zoneinfo
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import pydantic

from service import clock, model
from service.config.source import DATABASE_URL


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


Duration = Annotated[timedelta, pydantic.BeforeValidator(_duration)]
Name = Annotated[str, pydantic.AfterValidator(_name)]
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


class Notices(Section):
    timezone: Annotated[str, pydantic.AfterValidator(_zone)] = "UTC"
    give_up_after: Annotated[Duration, _at_least("1m")] = timedelta(hours=72)


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
    on: list[model.Kind] = [
        model.Kind.SUCCEEDED,
        model.Kind.FAILED,
        model.Kind.CANCELLED,
        model.Kind.WATCH_FAILING,
        model.Kind.WATCH_RECOVERED,
        model.Kind.DELIVERY_FAILED,
    ]
    accounts: list[str] = ["*"]

    @pydantic.field_validator("url", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return value if isinstance(value, list) else [value]


class Settings(Section):
    poll: Poll = Poll()
    database: Database = Database()
    notices: Notices = Notices()
    accounts: list[Account] = pydantic.Field(min_length=1)
    channels: list[Channel] = []
