"""Looking at notices before they are sent: what they say, and where they would go."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service import cli, model
from tests.conftest import KEY, Bench

CONFIG = """
[database]
url = "{url}"
[notices]
templates = "words"
[[accounts]]
name = "main"
api_key = "{key}"
base_url = "{base_url}"
[[channels]]
name = "mail"
url = "mailto://u:MARKED@mail.example.com?to=me@example.com"
group_wait = "0s"
[[channels]]
name = "chat"
url = "json://chat.example.com/MARKED-token-0123456789"
on = ["succeeded"]
models = ["gpt-4o*"]
language = "ja"
[prices."*"]
per_million_tokens = 5
"""


@pytest.fixture
def words(tmp_path: Path) -> Path:
    folder = tmp_path / "words"
    folder.mkdir()
    return folder


@pytest.fixture
def config(bench: Bench, url: str, tmp_path: Path, words: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(url=url, key=KEY, base_url=bench.simulator.url))
    return path


def ask(config: Path, *words: str) -> Result:
    return CliRunner().invoke(cli.root, [*words, "--config", str(config)])


@pytest.mark.parametrize("kind", list(model.Kind))
def test_every_kind_can_be_looked_at(config: Path, kind: model.Kind) -> None:
    result = ask(config, "preview", str(kind))
    assert result.exit_code == 0
    assert re.search(r"^Notice tw-\w+$", result.stdout, re.MULTILINE)
    [mail] = re.findall(r"As a mail: (.+)", result.stderr)
    assert "<!DOCTYPE html>" in Path(mail).read_text()


def test_a_success_comes_with_its_picture(config: Path) -> None:
    [mail] = re.findall(r"As a mail: (.+)", ask(config, "preview", "succeeded").stderr)
    assert 'src="curve.png"' in Path(mail).read_text()
    assert (Path(mail).parent / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_preview_is_in_the_language_of_its_channel(config: Path) -> None:
    assert "has failed" in ask(config, "preview", "failed").stdout
    assert "が失敗しました" in ask(config, "preview", "failed", "--channel", "chat").stdout


def test_a_channel_that_is_not_there_is_wrong_usage(config: Path) -> None:
    result = ask(config, "preview", "failed", "--channel", "fax")
    assert result.exit_code == 2
    assert "the configuration has: mail, chat" in result.stderr


def test_a_job_of_the_history_can_be_previewed(bench: Bench, config: Path) -> None:
    bench.poll()
    job = bench.simulator.create(suffix="rain", durations=(1, 1, 60), metadata={"team": "sky"})
    bench.clock.move(minutes=20)
    bench.poll()
    told = ask(config, "preview", "succeeded", "--job", job).stdout
    assert told.startswith("✅ rain has succeeded\n")
    assert "Metadata: team sky" in told
    assert re.search(r"^Training loss: \d", told, re.MULTILINE)
    assert re.search(r"^Cost: \d+\.\d\d USD \(an estimate\)$", told, re.MULTILINE)


def test_route_says_where_and_why_not(bench: Bench, config: Path) -> None:
    bench.poll()
    job = bench.simulator.create(suffix="rain", durations=(1, 1, 60), model="gpt-4.1-mini-2025-04-14")
    bench.clock.move(minutes=20)
    bench.poll()
    told = ask(config, "route", job).stdout
    assert "A notice `succeeded` about" in told
    assert "  to mail (mail to me@example.com): at once" in told
    assert re.search(r"  not to chat \(json://chat.example.com #\w+\): `models` does not name gpt-4.1-mini", told)
    told = ask(config, "route", job, "--kind", "paused").stdout
    assert "`on` does not name paused" in told
    assert "Nobody would be told." in told
    found = json.loads(ask(config, "route", job, "--json").stdout)
    assert [(each["channel"], each["goes"]) for each in found["destinations"]] == [("mail", True), ("chat", False)]
    assert "MARKED" not in json.dumps(found)


def test_a_job_that_is_not_there_is_said_to_be_so(bench: Bench, config: Path) -> None:
    bench.poll()
    result = ask(config, "route", "ftjob-none")
    assert result.exit_code != 0
    assert "ftjob-none" in str(result.exception)


def test_a_broken_template_is_refused_at_check(config: Path, words: Path) -> None:
    (words / "failed.jinja").write_text("{{ nmae }}\nb")
    result = ask(config, "check")
    assert "notices.templates failed.jinja: 'nmae' is undefined" in str(result.exception)
    assert "mend the template, or take it away" in str(result.exception)


def test_what_does_not_follow_from_a_job_alone_is_shown_by_example_only(bench: Bench, config: Path) -> None:
    bench.poll()
    result = ask(config, "preview", "digest", "--job", "ftjob-any")
    assert result.exit_code == 2
    assert "--job goes with one of succeeded" in result.stderr


def test_a_strangers_id_steers_no_terminal(bench: Bench, config: Path) -> None:
    """What `route` and `preview` print of a job is text."""
    hostile = "ft-\x1b[2J\x9b\r\nforged: yes"
    job = model.Job(account="main", job_id=hostile, status="failed", state=model.State.FAILED, raw="{}", suffix=hostile)
    bench.record.record("main", [model.Update(job=job)], bench.clock.now())
    for words in (["route", "ft-"], ["preview", "failed", "--job", "ft-"]):
        told = ask(config, *words).stdout
        assert "ft-" in told
        assert not set(told) & {"\x1b", "\x9b", "\r"}
        assert "\nforged" not in told
