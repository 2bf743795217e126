"""What the tests of the configuration share: writing a file, loading it, and asking what was refused."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from service import errors
from service.config import load, schema

ACCOUNT = '[[accounts]]\nname = "main"\napi_key = "sk-given"\n'
CHANNEL = '[[channels]]\nname = "default"\nurl = "json://hook.example"\n'


def no_fault(_: str) -> str | None:
    """Every channel's URL is fine."""
    return None


def write(folder: Path, text: str) -> str:
    path = folder / "tunewatch.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


UrlFault = Callable[[str], str | None]
NOTHING: Mapping[str, str] = {}


def loaded(
    folder: Path, text: str, environ: Mapping[str, str] = NOTHING, *, url_fault: UrlFault = no_fault
) -> schema.Settings:
    return load.load(write(folder, text), url_fault=url_fault, database_fault=lambda _: None, environ=environ)


def refusal(
    folder: Path, text: str, environ: Mapping[str, str] = NOTHING, *, url_fault: UrlFault = no_fault
) -> errors.Configuration:
    """The refusal of this file; every fault in it names a key, a problem and a remedy."""
    with pytest.raises(errors.Configuration) as caught:
        loaded(folder, text, environ, url_fault=url_fault)
    assert all(fault.key and fault.problem and fault.remedy for fault in caught.value.faults)
    return caught.value


def faults(folder: Path, text: str, environ: Mapping[str, str] = NOTHING) -> Mapping[str, str]:
    """Problem and remedy by key."""
    return {fault.key: f"{fault.problem} -> {fault.remedy}" for fault in refusal(folder, text, environ).faults}
