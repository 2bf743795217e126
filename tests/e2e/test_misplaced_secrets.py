"""Secrets where none belong: in the wrong setting, in a slip of the pen, in an address that cannot be used."""

import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service import cli, errors, wiring
from service.config import schema
from tests.e2e.test_secrets import KEY
from tests.notifier import leaks


def mistakes() -> Iterator[tuple[str, str, Any]]:
    """Every setting with a secret in the place of its value, in every form that TOML has."""
    sections: dict[str, type[schema.Section]] = {"accounts": schema.Account, "channels": schema.Channel}
    sections |= {"poll": schema.Poll, "database": schema.Database, "notices": schema.Notices}
    for section, model in sections.items():
        for name in [*model.model_fields, "api_key_file", "url_file", "other"]:
            for value in (KEY, [KEY], [[KEY]], {"key": KEY}, [{"key": KEY}]):
                yield section, name, value


def refusal(text: str, folder: Path) -> str:
    path = folder / "config.toml"
    path.write_text(text)
    try:
        settings = wiring.load_settings(str(path))
    except errors.Configuration as refused:
        return str(refused)
    return repr(settings)


@pytest.mark.parametrize("section", ["accounts", "channels", "poll", "database", "notices"])
def test_a_secret_in_the_wrong_place_is_not_repeated(section: str, tmp_path: Path) -> None:
    """But for names and for what is sent openly: these are no places for secrets, and are shown."""
    public = {"name", "accounts", "models", "metadata", "organization", "project", "base_url", "backup"}
    for place, name, value in mistakes():
        if place != section or name in public:
            continue
        tables = {"accounts": {"name": "main", "api_key": "sk-other"}, "channels": {"name": "ops", "url": "json://a"}}
        lines = []
        for table in {**tables, place: {**tables.get(place, {}), name: value}}.items():
            bracket = "[[{}]]" if table[0] in tables else "[{}]"
            lines += [bracket.format(table[0]), *(f"{key} = {toml(item)}" for key, item in table[1].items())]
        assert leaks.found(refusal("\n".join(lines), tmp_path), [KEY]) == [], (name, value)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value)


@pytest.mark.parametrize(
    "line",
    [
        "api_key = {}", 'api_key = "{}', "api_key = '{}''", "api_key = {} # mine", "api_key: {}", "{}", "x == '{}'",
        'api_key = "{}"\napi_key = "{}"', 'api_key = """{}', "api_key = {{ {} }}", 'api_key = "\\q{}"',
    ],
)  # fmt: skip
def test_a_slip_of_the_pen_is_told_without_its_line(line: str, tmp_path: Path) -> None:
    secret = "sk-5e5c1b7a9d3f4e2a8c6b0d1f"
    text = '[[accounts]]\nname = "main"\n' + line.replace("{}", secret)
    told = refusal(text, tmp_path)
    assert "1 fault" in told
    assert leaks.found(told, [secret]) == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:{}@db.example/watch", "mysql+pymysql://me:{}@db.example/watch", "sqlite://me:{}@host/watch.db",
        "postgresql+nosuch://me:{}@db.example/watch", "me:{}@db.example", "sqlite:///folder/nowhere/x.db?password={}",
        "postgresql://me:{}@db.example:port/watch",
    ],
)  # fmt: skip
@pytest.mark.parametrize("words", [["jobs"], ["health", "--json"], ["db", "path"], ["db", "upgrade"]])
def test_a_database_elsewhere_is_refused_without_its_password(
    url: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text('[[accounts]]\nname = "main"\napi_key = "k"\n[database]\nurl = "${DB}"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DB", url.format("s3cret-password"))
    result = CliRunner().invoke(cli.root, words)
    shown = "".join(traceback.format_exception(result.exception)) if result.exception else ""
    assert result.exit_code
    assert "s3cret" not in result.output + shown


@pytest.mark.parametrize(
    "proxy",
    [
        "http://me:s3cret/pass@127.0.0.1:9", "http://me:s3cret#pass@127.0.0.1:9", "socks5://me:s3cret-pass@127.0.0.1:9",
        "ftp://me:s3cret-pass@127.0.0.1:9",
    ],
)  # fmt: skip
def test_a_proxy_that_cannot_be_used_is_refused_without_its_login(
    proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text('[[accounts]]\nname = "main"\napi_key = "k"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("https_proxy", proxy)
    result = CliRunner().invoke(cli.root, ["check", "--online"])
    assert isinstance(result.exception, errors.Configuration)
    assert "s3cret" not in "".join(traceback.format_exception(result.exception))
