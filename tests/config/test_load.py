from datetime import time, timedelta
from pathlib import Path

import pytest

from service import errors
from service.config import load, schema
from service.model import Kind
from tests.config.files import ACCOUNT, CHANNEL, faults, loaded, no_fault, refusal

SHIPPED = Path(__file__).parents[2] / "config.toml"


def only_account(settings: schema.Settings) -> schema.Account:
    (account,) = settings.accounts
    return account


def test_an_account_is_all_that_is_needed(tmp_path: Path) -> None:
    settings = loaded(tmp_path, ACCOUNT)
    poll = settings.poll
    assert (poll.interval, poll.idle_interval) == (timedelta(seconds=30), timedelta(minutes=5))
    assert (poll.request_timeout, poll.blind_after) == (timedelta(seconds=20), timedelta(minutes=15))
    assert poll.first_run is None
    assert (settings.database.url, settings.database.keep_events) == ("sqlite:///tunewatch.db", timedelta(days=180))
    assert (settings.notices.timezone, settings.notices.give_up_after) == ("UTC", timedelta(hours=72))
    assert only_account(settings).base_url == "https://api.openai.com/v1"
    assert settings.channels == []


def test_a_channel_hears_of_ends_and_of_the_watch_itself_unless_told_otherwise(tmp_path: Path) -> None:
    (channel,) = loaded(tmp_path, ACCOUNT + CHANNEL).channels
    assert set(channel.on) == {
        Kind.SUCCEEDED, Kind.FAILED, Kind.CANCELLED, Kind.STALLED, Kind.WATCH_FAILING, Kind.WATCH_RECOVERED,
        Kind.DELIVERY_FAILED,
    }  # fmt: skip
    assert channel.accounts == ["*"]


def test_everything_can_be_set(tmp_path: Path) -> None:
    text = """
        [poll]
        interval = "1s"
        idle_interval = "2m"
        request_timeout = "3s"
        first_run = "24h"
        blind_after = "7d"
        [database]
        url = "sqlite:////data/x.db"
        keep_events = "30d"
        backup = "attic"
        backup_every = "6h"
        backup_keep = 3
        [notices]
        timezone = "Europe/Berlin"
        give_up_after = "6h"
        [[accounts]]
        name = "azure.west-1"
        provider = "openai"
        api_key = "k1"
        base_url = "http://localhost:4000/openai/v1/"
        organization = "org-1"
        project = "proj-1"
        [[accounts]]
        name = "other"
        api_key = "k2"
        [[channels]]
        name = "chat"
        url = ["slack://one", "discord://two"]
        on = ["paused", "failed"]
        accounts = ["azure.*"]
        models = ["gpt-4.1*"]
        metadata = { team = "support" }
        min_duration = "5m"
        group_wait = "0s"
        quiet = "22:00-07:30"
        urgent = ["failed"]
        most_per_hour = 20
        digest = "daily 09:00"
        fallback = "phone"
        fallback_after = 5
        language = "ja"
        [[channels]]
        name = "phone"
        url = "ntfy://three"
        on = []
        [prices."gpt-4.1*"]
        per_million_tokens = 5
        [prices."o4*"]
        per_hour = 100.5
        currency = "EUR"
    """
    settings = loaded(tmp_path, text)
    assert settings.poll.interval == timedelta(seconds=1)
    assert settings.poll.first_run == timedelta(hours=24)
    assert settings.poll.blind_after == timedelta(days=7)
    assert settings.notices.timezone == "Europe/Berlin"
    assert [account.name for account in settings.accounts] == ["azure.west-1", "other"]
    assert settings.accounts[0].organization == "org-1"
    assert [url.get_secret_value() for url in settings.channels[0].url] == ["slack://one", "discord://two"]
    chat = settings.channels[0]
    assert chat.on == [Kind.PAUSED, Kind.FAILED]
    assert (chat.models, chat.metadata, chat.min_duration) == (
        ["gpt-4.1*"], {"team": "support"}, timedelta(minutes=5),
    )  # fmt: skip
    assert (chat.group_wait, chat.quiet, chat.urgent) == (timedelta(0), (time(22), time(7, 30)), [Kind.FAILED])
    assert (chat.most_per_hour, chat.digest, chat.language) == (20, time(9), "ja")
    assert (chat.fallback, chat.fallback_after) == ("phone", 5)
    assert settings.prices["gpt-4.1*"].per_million_tokens == 5
    assert (settings.prices["o4*"].per_hour, settings.prices["o4*"].currency) == (100.5, "EUR")


@pytest.mark.parametrize(
    ("line", "key", "words"),
    [
        ('digest = "daily 9"', "digest", "is not a rhythm"),
        ('digest = "weekly 09:00"', "digest", "is not a rhythm"),
        ('digest = "daily 24:00"', "digest", "is not a rhythm"),
        ('quiet = "22:00"', "quiet", "is not a part of the day"),
        ('quiet = "07:00-07:00"', "quiet", "is not a part of the day"),
        ('quiet = "7pm-7am"', "quiet", "is not a part of the day"),
        ('on = ["digest"]', "on", "no kind to ask for"),
        ("most_per_hour = 0", "most_per_hour", "is of the wrong kind"),
        ('fallback = "nobody"', "fallback", "is not another channel"),
        ('fallback = "chat"', "fallback", "is not another channel"),
        ('language = "fr"', "language", "is not one of the possible values"),
        ('urgent = ["loud"]', "urgent[0]", "is not one of the possible values"),
    ],
)
def test_impossible_rules_of_a_channel_are_refused(tmp_path: Path, line: str, key: str, words: str) -> None:
    text = f'{ACCOUNT}\n[[channels]]\nname = "chat"\nurl = "json://x"\n{line}\n'
    with pytest.raises(errors.Configuration) as caught:
        loaded(tmp_path, text)
    [fault] = caught.value.faults
    assert fault.key == f"channels[0].{key}"
    assert words in fault.problem
    assert fault.remedy


@pytest.mark.parametrize("price", ["", "per_hour = 1\nper_million_tokens = 1", "per_hour = -1"])
def test_a_price_is_one_of_both(tmp_path: Path, price: str) -> None:
    with pytest.raises(errors.Configuration) as caught:
        loaded(tmp_path, f'{ACCOUNT}\n[prices."gpt*"]\n{price}\n')
    assert [fault.key.partition(".")[0] for fault in caught.value.faults] == ["prices"]


def test_templates_are_looked_for_beside_the_configuration_and_refused_when_broken(tmp_path: Path) -> None:
    """The folder is the owner's; whoever knows templates says what is wrong with them."""
    asked = []

    def faults(settings: schema.Settings) -> list[tuple[str, str]]:
        asked.append(settings.notices.templates)
        return [("failed.jinja", "line 1: odd"), ("sent.jinja", "is no template")]

    path = tmp_path / "config.toml"
    path.write_text(f'{ACCOUNT}\n[notices]\ntemplates = "words"\n')
    with pytest.raises(errors.Configuration) as caught:
        load.load(str(path), url_fault=no_fault, database_fault=lambda _: None, template_faults=faults, environ={})
    assert asked == [tmp_path / "words"]
    assert [fault.key for fault in caught.value.faults] == [
        "notices.templates failed.jinja", "notices.templates sent.jinja",
    ]  # fmt: skip


def test_the_file_that_ships_works_from_the_environment_alone() -> None:
    environ = {"OPENAI_API_KEY": "sk-env", "NOTIFY_URL": "json://hook.example"}
    settings = load.load(str(SHIPPED), url_fault=no_fault, database_fault=lambda _: None, environ=environ)
    assert only_account(settings).api_key.get_secret_value() == "sk-env"
    assert [url.get_secret_value() for url in settings.channels[0].url] == ["json://hook.example"]
    assert (settings.poll, settings.database, settings.notices) == (
        schema.Poll(), schema.Database(), schema.Notices(),
    )  # fmt: skip


def test_the_file_that_ships_says_which_variables_it_lacks() -> None:
    with pytest.raises(errors.Configuration) as caught:
        load.load(str(SHIPPED), url_fault=no_fault, database_fault=lambda _: None, environ={})
    assert [fault.key for fault in caught.value.faults] == ["accounts[0].api_key", "channels[0].url"]
    assert all(name in str(caught.value) for name in ("OPENAI_API_KEY", "NOTIFY_URL"))


@pytest.mark.parametrize(
    ("written", "environ", "key"),
    [
        ("${KEY}", {"KEY": "sk-1"}, "sk-1"),
        ("sk-${KEY}-${KEY}", {"KEY": "1"}, "sk-1-1"),
        ("${KEY:-sk-default}", {}, "sk-default"),
        ("${KEY:-sk-default}", {"KEY": ""}, "sk-default"),
        ("${KEY:-sk-default}", {"KEY": "sk-2"}, "sk-2"),
        ("${KEY:-}sk-3", {}, "sk-3"),
        # What comes from the environment is not read again, and what is no variable stays.
        ("${KEY}", {"KEY": "${OTHER}"}, "${OTHER}"),
        ("$KEY ${1} {KEY}", {"KEY": "x"}, "$KEY ${1} {KEY}"),
    ],
)
def test_strings_are_filled_from_the_environment(
    tmp_path: Path, written: str, environ: dict[str, str], key: str
) -> None:
    settings = loaded(tmp_path, f"[[accounts]]\nname = 'main'\napi_key = '{written}'", environ)
    assert only_account(settings).api_key.get_secret_value() == key


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_variable_is_no_key(tmp_path: Path, value: str) -> None:
    told = faults(tmp_path, '[[accounts]]\nname = "main"\napi_key = "${KEY}"', {"KEY": value})
    assert "empty" in told["accounts[0].api_key"]
    assert "environment variable" in told["accounts[0].api_key"]


def test_a_missing_variable_is_told_once_with_its_name(tmp_path: Path) -> None:
    told = faults(tmp_path, '[[accounts]]\nname = "main"\napi_key = "${KEY}"\n' + CHANNEL)
    assert told.keys() == {"accounts[0].api_key"}
    assert "KEY is not set" in told["accounts[0].api_key"]


@pytest.mark.parametrize("content", ["sk-file", "sk-file\n", "\n  sk-file \r\n\n"])
def test_a_key_may_come_from_a_file_beside_the_configuration(tmp_path: Path, content: str) -> None:
    """White space around it, such as an editor's last newline, does not belong to the key."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key").write_text(content)
    settings = loaded(tmp_path, '[[accounts]]\nname = "main"\napi_key_file = "secrets/key"')
    assert only_account(settings).api_key.get_secret_value() == "sk-file"


def test_a_url_may_come_from_a_file_anywhere(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("json://hook.example\n")
    text = f'{ACCOUNT}[[channels]]\nname = "chat"\nurl_file = "${{FOLDER}}/hook"'
    (channel,) = loaded(tmp_path, text, {"FOLDER": str(tmp_path)}).channels
    assert [url.get_secret_value() for url in channel.url] == ["json://hook.example"]


@pytest.mark.parametrize(
    ("line", "key", "said"),
    [
        ('api_key_file = "nowhere"', "accounts[0].api_key_file", "cannot be read: No such file"),
        ('api_key_file = "."', "accounts[0].api_key_file", "cannot be read"),
        ('api_key_file = "binary"', "accounts[0].api_key_file", "not text"),
        ('api_key_file = "empty"', "accounts[0].api_key", "is empty"),
        ("api_key_file = 7", "accounts[0].api_key_file", "not text"),
        ('api_key = "sk-1"\napi_key_file = "empty"', "accounts[0].api_key_file", "keep only one"),
        ('api_key_file = "${NOT_SET}"', "accounts[0].api_key_file", "NOT_SET is not set"),
        pytest.param(
            'api_key_file = "a\\u0000b"', "accounts[0].api_key_file", "cannot be read",
        ),
    ],
)  # fmt: skip
def test_a_secret_file_that_cannot_be_used_is_one_fault(tmp_path: Path, line: str, key: str, said: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").write_text("\n")
    told = faults(tmp_path, f'[[accounts]]\nname = "main"\n{line}')
    assert told.keys() == {key}
    assert said in told[key]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = """
        pol = 1
        [poll]
        interval = "soon"
        intervall = "30s"
        blind_after = "0s"
        [notices]
        timezone = "Mars/Olympus"
        [[accounts]]
        name = "no spaces please"
        api_key = "${NOT_SET}"
        base_url = "api.openai.com"
        [[channels]]
        name = "chat"
        url = "bad://url"
        on = ["failed", "exploded"]
    """
    error = refusal(tmp_path, text, url_fault=lambda url: f"{url} is bad")
    assert {fault.key for fault in error.faults} == {
        "pol", "poll.interval", "poll.intervall", "poll.blind_after", "notices.timezone", "accounts[0].name",
        "accounts[0].api_key", "accounts[0].base_url", "channels[0].url", "channels[0].on[1]",
    }  # fmt: skip
    assert "tunewatch.toml: 10 faults" in str(error)
    assert all(fault.key in str(error) and fault.remedy in str(error) for fault in error.faults)


def test_a_name_used_twice_is_told_together_with_the_other_faults(tmp_path: Path) -> None:
    assert faults(tmp_path, f'{ACCOUNT}{ACCOUNT}[poll]\ninterval = "soon"').keys() == {
        "accounts[1].name",
        "poll.interval",
    }


@pytest.mark.parametrize(("section", "entry"), [("accounts", ACCOUNT), ("channels", CHANNEL)])
def test_a_name_is_used_once(tmp_path: Path, section: str, entry: str) -> None:
    told = faults(tmp_path, ACCOUNT + CHANNEL + entry)
    assert told.keys() == {f"{section}[1].name"}
    assert "used twice" in told[f"{section}[1].name"]


def test_an_account_and_a_channel_may_share_a_name(tmp_path: Path) -> None:
    loaded(tmp_path, ACCOUNT + CHANNEL.replace("default", "main"))


@pytest.mark.parametrize(
    ("line", "key", "remedy"),
    [
        ('[poll]\nintervall = "1s"', "poll.intervall", "did you mean interval?"),
        ('[pol]\ninterval = "1s"', "pol", "did you mean poll?"),
        ('[notices]\ntime_zone = "UTC"', "notices.time_zone", "did you mean timezone?"),
        ('[[channels]]\nname = "x"\nurl = "y"\nacounts = []', "channels[0].acounts", "did you mean accounts?"),
        ('[[channels]]\nname = "x"\nurl = "y"\nurl_fle = "z"', "channels[0].url_fle", "did you mean url_file?"),
        (
            '[notices]\ncolour = "x"',
            "notices.colour",
            "remove it; known here: timezone, language, give_up_after, stalled_after, model_question, templates",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(
    tmp_path: Path, line: str, key: str, remedy: str
) -> None:
    told = faults(tmp_path, f"{line}\n{ACCOUNT}")
    assert told == {key: f"is not a setting -> {remedy}"}


def test_only_secrets_have_a_file_twin_to_be_meant(tmp_path: Path) -> None:
    assert "url_file" not in faults(tmp_path, f'{ACCOUNT}url_fil = "x"')["accounts[0].url_fil"]
    assert "url_file" in faults(tmp_path, f'{ACCOUNT}[database]\nurl_fil = "x"')["database.url_fil"]


@pytest.mark.parametrize("text", ["", "accounts = []", CHANNEL])
def test_without_an_account_there_is_nothing_to_do(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text).keys() == {"accounts"}


def test_settings_of_a_later_version_are_no_mistake(tmp_path: Path) -> None:
    loaded(tmp_path, f'[web]\nlisten = "127.0.0.1:8080"\ntoken = 5\n{ACCOUNT}')
    assert load.split_reserved({"notices": {}, "web": {}}) == ({"notices": {}}, ["[web]"])


def test_a_channels_url_is_judged_by_who_sends_to_it(tmp_path: Path) -> None:
    text = f'{ACCOUNT}[[channels]]\nname = "chat"\nurl = ["good://a", "bad://b"]\n{CHANNEL}'
    error = refusal(
        tmp_path,
        text,
        url_fault=lambda url: "it is bad" if url.startswith("bad") else None,
    )
    assert [(fault.key, fault.problem) for fault in error.faults] == [("channels[0].url", "it is bad")]


def test_the_folder_of_backups_is_looked_for_beside_the_configuration(tmp_path: Path) -> None:
    for written, meant in (("attic", tmp_path / "attic"), ("/mnt/attic", Path("/mnt/attic")), ("${NO:-}", None)):
        assert loaded(tmp_path, f'{ACCOUNT}[database]\nbackup = "{written}"').database.backup == meant
    assert faults(tmp_path, f"{ACCOUNT}[database]\nbackup_keep = 0").keys() == {"database.backup_keep"}
