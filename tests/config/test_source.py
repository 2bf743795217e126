import dataclasses
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from service import errors
from service.config import source
from tests.config.files import write


def test_the_file_given_comes_before_the_environments(tmp_path: Path) -> None:
    given, other = tmp_path / "given.toml", tmp_path / "other.toml"
    given.touch()
    other.touch()
    assert source.find(str(given), {"TUNEWATCH_CONFIG": str(other)}) == given
    assert source.find(None, {"TUNEWATCH_CONFIG": str(other)}) == other


def test_the_environments_file_comes_before_the_one_that_lies_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").touch()
    (tmp_path / "other.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert source.find(None, {"TUNEWATCH_CONFIG": "other.toml"}) == Path("other.toml")
    assert source.find(None, {"TUNEWATCH_CONFIG": ""}) == Path("config.toml")
    assert source.find(None, {}) == Path("config.toml")


@pytest.mark.parametrize(
    ("given", "environ", "key"),
    [
        ("nowhere.toml", {}, "--config"),
        (".", {}, "--config"),
        (None, {"TUNEWATCH_CONFIG": "nowhere.toml"}, "TUNEWATCH_CONFIG"),
    ],
)
def test_a_named_file_that_is_not_there_is_not_replaced_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, environ: dict[str, str], key: str
) -> None:
    (tmp_path / "config.toml").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.Configuration) as caught:
        source.find(given, environ)
    assert [fault.key for fault in caught.value.faults] == [key]


def test_without_any_file_it_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.Configuration, match="TUNEWATCH_CONFIG") as caught:
        source.find(None, {})
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[poll\ninterval = 1", "is not TOML"),
        (b'[[accounts]]\napi_key = "sk-planted-5ecret\n', "is not TOML"),
        (b"api_key = sk-planted-5ecret\n", "is not TOML"),
        (b'api_key = "x"\napi_key = "sk-planted-5ecret"\n', "is not TOML"),
        (b"name = '\xe4'", "is not UTF-8"),
    ],
)
def test_a_file_that_is_no_toml_is_refused_with_the_place(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(errors.Configuration, match=problem) as caught:
        source.parse(path)
    assert str(path) in str(caught.value)
    assert "planted" not in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(errors.Configuration, match="cannot be read"):
        source.parse(tmp_path)


def test_reading_commands_need_neither_keys_nor_channels(tmp_path: Path) -> None:
    """Nor a configuration that is right in every other place."""
    text = """
        nonsense = 1
        [database]
        url = "${DATABASE_URL:-sqlite:///here.db}"
        [notices]
        timezone = "Asia/Tokyo"
        [[accounts]]
        api_key = "${NOT_SET}"
        [[channels]]
        url_file = "nowhere"
    """
    path = write(tmp_path, text)
    assert source.reading(path, {}) == ("sqlite:///here.db", "Asia/Tokyo")
    assert source.reading(path, {"DATABASE_URL": "sqlite:////data/x.db"})[0] == "sqlite:////data/x.db"


def test_reading_commands_have_the_same_defaults(tmp_path: Path) -> None:
    assert source.reading(write(tmp_path, "notices = 5"), {}) == ("sqlite:///tunewatch.db", "UTC")


def test_reading_commands_do_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert source.reading(None, {}) == ("sqlite:///tunewatch.db", "UTC")
    assert source.reading(None, {"DATABASE_URL": "sqlite:///x.db"}) == ("sqlite:///x.db", "UTC")


def test_reading_commands_do_not_do_without_a_file_that_was_named(tmp_path: Path) -> None:
    for given, environ in ((str(tmp_path / "no"), {}), (None, {"TUNEWATCH_CONFIG": str(tmp_path / "no")})):
        with pytest.raises(errors.Configuration):
            source.reading(given, environ)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("[database]\nurl = 5\n[notices]\ntimezone = []", ["database.url", "notices.timezone"]),
        ('[database]\nurl = "${NOT_SET}"', ["database.url"]),
    ],
)
def test_reading_commands_refuse_what_they_need_and_cannot_use(tmp_path: Path, text: str, keys: list[str]) -> None:
    with pytest.raises(errors.Configuration) as caught:
        source.reading(write(tmp_path, text), {})
    assert [fault.key for fault in caught.value.faults] == keys


def test_backups_are_read_as_cheaply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, '[database]\nurl = "${NOT_SET}"\nbackup = "${FOLDER}"\nbackup_every = "6h"')
    found = source.Backups(folder=tmp_path / "attic", every=timedelta(hours=6))
    assert source.backups(path, {"FOLDER": "attic"}) == found
    assert source.backups(path, {"FOLDER": "/mnt/attic"}) == dataclasses.replace(found, folder=Path("/mnt/attic"))
    once_a_day = source.backups(write(tmp_path, '[database]\nbackup = "attic"'), {})
    assert once_a_day == dataclasses.replace(found, every=timedelta(days=1))
    for text in ("", "database = 5", '[database]\nbackup = "${FOLDER:-}"'):
        assert source.backups(write(tmp_path, text), {}) is None
    monkeypatch.chdir(tmp_path / "..")
    assert source.backups(None, {}) is None


def test_backups_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    for text, key in (("backup = 5", "backup"), ('backup = "x"\nbackup_every = "daily"', "backup_every")):
        with pytest.raises(errors.Configuration) as caught:
            source.backups(write(tmp_path, f"[database]\n{text}"), {})
        assert [fault.key for fault in caught.value.faults] == [f"database.{key}"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_folder_that_is_somebody_elses_holds_no_configuration(tmp_path: Path) -> None:
    """As when root's daemon is asked by another user in root's own folder."""
    (tmp_path / "config.toml").touch()
    tmp_path.chmod(0o700)
    code = "import os; from service.config import source; os.setuid(12345); print(source.find_any(None, {}))"
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr) in ((str(None), ""), ("/etc/tunewatch/config.toml", ""))
