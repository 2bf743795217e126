"""Setting up: what is wrong is said all at once, with remedies, and without a traceback or a secret."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from service.simulator import Simulator

Program = Callable[..., "subprocess.CompletedProcess[str]"]
SHIPPED = (Path(__file__).parents[2] / "config.toml").read_text()


def _clean(result: "subprocess.CompletedProcess[str]") -> bool:
    return "Traceback" not in result.stdout + result.stderr


@pytest.mark.parametrize("command", ["run", "poll", "check", "test-notice"])
def test_a_fresh_machine_is_told_everything_that_is_missing(program: Program, tmp_path: Path, command: str) -> None:
    (tmp_path / "config.toml").write_text(SHIPPED)
    result = program(command)
    assert result.returncode == 78
    assert "2 faults" in result.stderr
    assert "OPENAI_API_KEY" in result.stderr
    assert "NOTIFY_URL" in result.stderr
    assert _clean(result)


def test_without_any_configuration_it_says_where_it_looked(program: Program, tmp_path: Path) -> None:
    result = program("check")
    assert result.returncode == 78
    assert f"no config.toml in {tmp_path}" in result.stderr
    assert _clean(result)


def test_a_wrong_configuration_names_every_fault_and_no_secret(program: Program, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("""
        [poll]
        intervall = "30s"
        blind_after = "soon"
        [[accounts]]
        name = "main"
        api_key = "MARKED-key"
        [[channels]]
        name = "mail"
        url = "nosuch://MARKED:MARKED@example.com"
        on = ["suceeded"]
    """)
    result = program("check")
    assert result.returncode == 78
    for words in ("4 faults", "did you mean interval?", "poll.blind_after", "channels[0].on", "channels[0].url"):
        assert words in result.stderr
    assert "MARKED" not in result.stdout + result.stderr


def test_an_accepted_configuration_shows_what_goes_where(program: Program, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(SHIPPED)
    env = {"OPENAI_API_KEY": "MARKED", "NOTIFY_URL": "mailto://u:MARKED@mail.example.com?to=me@example.com"}
    result = program("check", **env)
    assert result.returncode == 0, result.stderr
    assert "channel default (mail to me@example.com): cancelled, delivery_failed, failed" in result.stdout
    assert "MARKED" not in result.stdout + result.stderr
    assert not list(tmp_path.glob("*.db*")), "check changes nothing"


def test_check_online_asks_every_account(program: Program, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(SHIPPED)
    env = {"NOTIFY_URL": "json://127.0.0.1:9/"}
    with Simulator(history=3) as simulator:
        good = program("check", "--online", OPENAI_API_KEY="sim-key", OPENAI_BASE_URL=simulator.url, **env)
        bad = program("check", "--online", OPENAI_API_KEY="wrong", OPENAI_BASE_URL=simulator.url, **env)
    assert (good.returncode, "answers, 3 jobs" in good.stdout) == (0, True)
    assert (bad.returncode, "refuses the key" in bad.stderr) == (69, True)


def test_no_channels_and_settings_of_later_versions_are_warned_of(program: Program, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[web]\nlisten = "127.0.0.1:8080"\n[[accounts]]\nname = "a"\napi_key = "k"\n')
    result = program("check")
    assert result.returncode == 0
    for words in ("nobody will be told", "[web] is meant for a later version"):
        assert words in result.stderr


def test_a_folder_for_backups_that_is_not_there_is_warned_of(program: Program, tmp_path: Path) -> None:
    """It may be a disk that is not mounted, so it is not made."""
    account = '[[accounts]]\nname = "a"\napi_key = "k"\n'
    (tmp_path / "config.toml").write_text(f'{account}[database]\nbackup = "attic"\n')
    result = program("check")
    assert (result.returncode, f"There is no folder {tmp_path}/attic for backups" in result.stderr) == (0, True)
    (tmp_path / "attic").mkdir()
    assert "attic" not in program("check").stderr


def test_the_database_can_be_made_and_found(program: Program, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/here.db"
    assert program("db", "path", DATABASE_URL=url).stdout == f"{tmp_path}/here.db\n"
    assert program("db", "upgrade", DATABASE_URL=url).stdout == "brought up to date\n"
    assert program("db", "upgrade", DATABASE_URL=url).stdout == "is up to date\n"


def test_a_database_that_is_not_ours_is_refused_with_a_sentence(program: Program, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(SHIPPED)
    (tmp_path / "notes.db").write_text("remember the milk\n" * 100)
    env = {"OPENAI_API_KEY": "k", "NOTIFY_URL": "json://127.0.0.1:9/", "DATABASE_URL": f"sqlite:///{tmp_path}/notes.db"}
    for command in (["run"], ["poll"], ["check"], ["jobs"], ["health"], ["db", "upgrade"]):
        result = program(*command, **env)
        assert result.returncode == 1, command
        assert "notes.db is no database" in result.stdout + result.stderr
        assert _clean(result)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "notes.db"]


def test_every_command_has_an_example_in_its_help(program: Program) -> None:
    for command in ("run", "poll", "check", "test-notice", "jobs", "show", "history", "events", "deliveries", "health",
                    "simulator", "demo", "db path", "db upgrade", "db backup", "db check", "db prune"):  # fmt: skip
        result = program(*command.split(), "--help")
        assert "Example:  " in result.stdout, command
        assert max(map(len, result.stdout.splitlines())) <= 80
