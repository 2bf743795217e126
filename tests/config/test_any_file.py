"""Whatever the file holds, loading gives settings or a refusal: never a traceback."""

import contextlib
import json
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service import errors
from service.config import load, schema, source
from tests.config.files import ACCOUNT, CHANNEL, no_fault

VALID = f"""
[poll]
interval = "30s"
first_run = "24h"
[database]
url = "sqlite:///${{NAME:-tunewatch}}.db"
[notices]
timezone = "Europe/Berlin"
language = "en"
[web]
listen = "127.0.0.1:8080"
{ACCOUNT}base_url = "https://x.example/v1"
{CHANNEL}on = ["failed", "paused"]
accounts = ["*"]
"""
KEYS = st.sampled_from([
    *schema.Settings.model_fields, *schema.Poll.model_fields, *schema.Notices.model_fields,
    *schema.Account.model_fields, *schema.Channel.model_fields, "web", "language", "api_key_file", "url_file",
    "a.b", "", "x",
])  # fmt: skip
# Without what TOML cannot write: halves of surrogate pairs.
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
WORDS = st.sampled_from(["main", "30s", "UTC", "failed", "https://x.example", "${NAME}", "${NAME:-5m}", "*", "openai"])
VALUES = st.recursive(
    st.one_of(
        WORDS,
        TEXTS,
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.datetimes(),
        st.dates(),
        st.times(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | TEXTS, inner, max_size=4),
    max_leaves=15,
)


def toml(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{text(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return text(value) if isinstance(value, str) else str(value).lower()


def text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def read(path: Path) -> None:
    """Both ways of reading the file end in settings or in the one error that is foreseen."""
    for way in (
        lambda: load.load(str(path), url_fault=no_fault, database_fault=lambda _: None, environ={"NAME": "value"}),
        lambda: source.reading(str(path), {}),
    ):
        with contextlib.suppress(errors.Configuration):
            way()


ONE_FOLDER_IS_ENOUGH = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ONE_FOLDER_IS_ENOUGH
@given(tables=st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_tables(tmp_path: Path, tables: dict[str, Any]) -> None:
    path = tmp_path / "any.toml"
    path.write_text("\n".join(f"{text(key)} = {toml(value)}" for key, value in tables.items()), encoding="utf-8")
    try:
        source.parse(path)
    except errors.Configuration as error:
        pytest.fail(f"the test does not write TOML: {error}")
    read(path)


@ONE_FOLDER_IS_ENOUGH
@given(cut=st.integers(0, len(VALID)), length=st.integers(0, 30), put=TEXTS | WORDS | VALUES.map(toml))
def test_any_change_of_a_good_file(tmp_path: Path, cut: int, length: int, put: str) -> None:
    path = tmp_path / "changed.toml"
    path.write_text(VALID[:cut] + put + VALID[cut + length :], encoding="utf-8")
    read(path)


@ONE_FOLDER_IS_ENOUGH
@given(content=st.binary(max_size=60))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bytes.toml"
    path.write_bytes(content)
    read(path)


def test_the_good_file_is_good(tmp_path: Path) -> None:
    """Otherwise its changes would prove little."""
    path = tmp_path / "good.toml"
    path.write_text(VALID, encoding="utf-8")
    assert (
        load.load(str(path), url_fault=no_fault, database_fault=lambda _: None, environ={}).notices.timezone
        == "Europe/Berlin"
    )
