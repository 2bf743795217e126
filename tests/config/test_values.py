"""What each setting may hold, and that a refusal never shows a secret."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.config.files import ACCOUNT, faults, loaded, refusal

SECRET = "sk-planted-5ecret"


@pytest.mark.parametrize(
    ("written", "length"),
    [
        ("1s", timedelta(seconds=1)),
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("6h", timedelta(hours=6)),
        ("7d", timedelta(days=7)),
        ("010s", timedelta(seconds=10)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(tmp_path: Path, written: str, length: timedelta) -> None:
    assert loaded(tmp_path, f'{ACCOUNT}[poll]\ninterval = "{written}"').poll.interval == length


@pytest.mark.parametrize(
    "written",
    ['""', '"30"', '"30 s"', '"-5s"', '"1.5h"', '"5 minutes"', '"1h30m"', '"5M"', '"9999999999s"', "30", "true"],
)
def test_anything_else_is_no_duration(tmp_path: Path, written: str) -> None:
    told = faults(tmp_path, f"{ACCOUNT}[poll]\ninterval = {written}")
    assert told.keys() == {"poll.interval"}
    assert '"30s"' in told["poll.interval"]


@pytest.mark.parametrize(
    ("section", "key", "short", "least"),
    [
        ("poll", "interval", "0s", "1s"),
        ("poll", "idle_interval", "0m", "1s"),
        ("poll", "request_timeout", "0h", "1s"),
        ("poll", "blind_after", "0s", "1s"),
        ("database", "keep_events", "23h", "1d"),
        ("database", "backup_every", "59m", "1h"),
        ("notices", "give_up_after", "59s", "1m"),
    ],
)
def test_a_duration_may_be_too_short(tmp_path: Path, section: str, key: str, short: str, least: str) -> None:
    told = faults(tmp_path, f'{ACCOUNT}[{section}]\n{key} = "{short}"')
    assert told.keys() == {f"{section}.{key}"}
    assert f'at least "{least}"' in told[f"{section}.{key}"]
    loaded(tmp_path, f'{ACCOUNT}[{section}]\n{key} = "{least}"')


@pytest.mark.parametrize("line", ["database]\nkeep_events", "poll]\nfirst_run", "poll]\ninterval"])
def test_a_duration_may_be_too_long(tmp_path: Path, line: str) -> None:
    """Somebody writes it for "for ever"; a date before year 1 does not exist."""
    refusal(tmp_path, f'{ACCOUNT}[{line} = "999999999d"')


def test_the_remedy_for_first_run_names_both_possibilities(tmp_path: Path) -> None:
    told = faults(tmp_path, f'{ACCOUNT}[poll]\nfirst_run = "24 hours"')["poll.first_run"]
    assert "silent" in told
    assert "24h" in told


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Tokyo", "America/Argentina/Buenos_Aires"])
def test_a_zone_is_named_like_in_the_zone_database(tmp_path: Path, zone: str) -> None:
    assert loaded(tmp_path, f'{ACCOUNT}[notices]\ntimezone = "{zone}"').notices.timezone == zone


@pytest.mark.parametrize(
    "zone",
    ['""', '"Berlin"', '"Europe"', '"../../etc/passwd"', '"/etc/localtime"', '"a\\u0000b"', '"zone.tab"', "1", "[]"],
)
def test_anything_else_is_no_zone(tmp_path: Path, zone: str) -> None:
    assert faults(tmp_path, f"{ACCOUNT}[notices]\ntimezone = {zone}").keys() == {"notices.timezone"}


@pytest.mark.parametrize("name", ["main", "a", "A.b-c_9", "x" * 63])
def test_a_name_is_a_word(tmp_path: Path, name: str) -> None:
    loaded(tmp_path, f'[[accounts]]\nname = "{name}"\napi_key = "k"')


@pytest.mark.parametrize("name", ["", " ", "two words", "-x", ".x", "a/b", "ä", "x" * 64, "a\\n"])
def test_anything_else_is_no_name(tmp_path: Path, name: str) -> None:
    """Names stand in causes, file names and terminals."""
    assert faults(tmp_path, f'[[accounts]]\nname = "{name}"\napi_key = "k"').keys() == {"accounts[0].name"}


@pytest.mark.parametrize(
    "url", ["https://x.example", "https://x.example/v1/", "http://127.0.0.1:4000/a?b=c", "http://[::1]:1/"]
)
def test_an_address_is_http(tmp_path: Path, url: str) -> None:
    loaded(tmp_path, f'{ACCOUNT}base_url = "{url}"')


@pytest.mark.parametrize(
    "url",
    [
        "", "x.example/v1", "ftp://x.example", "https://", "https:///v1", "https://x.example/a b",
        "https://x.example:port/v1",
        "https://[x.example/v1",
    ],
)  # fmt: skip
def test_anything_else_is_no_address(tmp_path: Path, url: str) -> None:
    assert faults(tmp_path, f'{ACCOUNT}base_url = "{url}"').keys() == {"accounts[0].base_url"}


VALUES = [
    f'"{SECRET}"', '""', "7", "1.5", "inf", "true", "2026-11-03T12:00:00Z", f'["{SECRET}"]', f'[["{SECRET}"], 1]', "[]",
    f'{{ a = "{SECRET}" }}', f'[{{ name = "{SECRET}", api_key = "{SECRET}", url = "{SECRET}" }}]',
]  # fmt: skip
# The account without a key makes sure that there is something to refuse.
PLACES = [
    "accounts = VALUE\nmore = 1",
    "accounts = [VALUE]\nmore = 1",
    *(
        f"{key} = VALUE\naccounts = [{{}}]"
        for key in [
            "poll", "poll.interval", "poll.first_run", "poll.more", "database", "database.url", "notices", "more",
            "notices.timezone", "notices.language", "web", "channels",
        ]
    ),
    *(f"accounts = [{{ {key} = VALUE }}]" for key in ("name", "api_key", "base_url", "provider", "project")),
    *(
        f"accounts = [{{}}]\nchannels = [{{ {key} = VALUE }}]"
        for key in ("name", "url", "on", "accounts", "more")
    ),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("place", PLACES)
def test_a_value_of_a_wrong_kind_is_refused_without_showing_it(tmp_path: Path, place: str, value: str) -> None:
    """An owner may put a secret in a wrong place; the refusal, which goes to a log, must not spread it."""
    assert SECRET not in str(refusal(tmp_path, place.replace("VALUE", value)))
