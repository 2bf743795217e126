"""Secrets planted wherever one can stand, everything failing, and all that comes out searched for them."""

import contextlib
import hashlib
import json
import queue
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from service import errors
from service.providers.openai_api import OpenAIProvider
from tests.e2e import malice, servers
from tests.notifier import leaks
from tests.notifier import servers as receivers

KEY = "sk-5e5c1b7\"'\\a9d3f4e/%412a8c6b0+=& <d1f7e9"
# How the provider fails, and how it spells the key that it repeats (see malice).
TROUBLES = ("401-json", "jobs-plain")


@dataclass
class Planted:
    """A folder with a configuration full of secrets. `secrets`: by name, what must not come out."""

    folder: Path
    notices: "queue.Queue[str]" = field(default_factory=queue.Queue)
    env: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    config: list[str] = field(default_factory=list)

    def secret(self, name: str) -> str:
        """A new one, with the signs in it that are spelt in another way almost everywhere."""
        a, b, c, d = re.findall(".{7}", hashlib.sha256(name.encode()).hexdigest())[:4]
        made = f"s3{a}\"'\\{b}/%41{c}+=& <{d}"
        self.secrets[name] = made
        return made

    def account(self, name: str, base_url: str, file: str = "") -> None:
        key = f'api_key_file = "{file}"' if file else f"api_key = {json.dumps(self.secret(f'key of {name}'))}"
        self.config.append(f'[[accounts]]\nname = "{name}"\n{key}\nbase_url = {json.dumps(base_url)}')

    def channel(self, name: str, url: str) -> None:
        self.config.append(f'[[channels]]\nname = "{name}"\nurl = {json.dumps(url)}\ngroup_wait = "0s"')

    def leaked(self, text: str | bytes) -> list[str]:
        """The names of the secrets in it."""
        found = leaks.found(text, self.secrets.values())
        return [name for name, secret in self.secrets.items() if secret in found]

    def run(self, *words: str) -> str:
        done = servers.run(*words, cwd=self.folder, env=self.env)
        return f"{done.stdout}\n{done.stderr}"


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Planted]:
    found = Planted(folder=tmp_path)
    with malice.world(found.notices) as ports:
        found.config.append(
            '[poll]\ninterval = "1s"\nidle_interval = "1s"\nblind_after = "1s"\n[database]\nurl = "sqlite:///${DB:-human.db}"'
        )
        _accounts(found, ports)
        _channels(found, ports)
        found.channel("good", f"json://127.0.0.1:{ports['receiver']}/good")
        (tmp_path / "config.toml").write_text("\n".join(found.config))
        proxy = f"http://somebody:{new(found, 'proxy')}@127.0.0.1:{ports['proxy']}"
        found.env = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        found.env["SSL_CERT_FILE"] = receivers.CERTIFICATE  # small, and read by every client
        yield found


def new(found: Planted, name: str) -> str:
    """A secret as it stands in a URL."""
    return quote(found.secret(name), safe="")


def _accounts(found: Planted, ports: dict[str, int]) -> None:
    here = f"http://127.0.0.1:{ports['provider']}"
    for trouble in TROUBLES:
        found.account(trouble, f"{here}/{trouble}/v1")
    (found.folder / "key.txt").write_text(f"\n {found.secret('key in a file')} \n")
    found.account("file", f"{here}/page-plain/v1", file="key.txt")
    login, query = f"user:{new(found, 'base-login')}", f"t={new(found, 'base-query')}"
    found.account("nowhere", f"http://{login}@no-such-host.invalid/v1?{query}")
    found.account("proxied", "https://api.example.com/v1")


def _channels(found: Planted, ports: dict[str, int]) -> None:
    here = f"127.0.0.1:{ports['receiver']}"
    found.channel(
        "json", f"json://user:{new(found, 'json-login')}@{here}/{new(found, 'json-path')}?-t={new(found, 'json-query')}"
    )
    found.channel("headers", f"json://{here}/x?+X-Key={new(found, 'json-header')}")
    found.channel("broken", f"form://{here}/broken/{new(found, 'form-path')}")
    found.channel("xml", f"xml://user:{new(found, 'xml-login')}@{here}/")
    found.channel("ntfy", f"ntfy://user:{new(found, 'ntfy-login')}@{here}/topic")
    found.channel("unknown", f"json://user:{new(found, 'dns-login')}@no-such-host.invalid/{new(found, 'dns-path')}")
    for name, url in (
        ("gotify", f"gotify://{here}/{{}}"), ("rocket", f"rocket://user:{{}}@{here}/%23room"),
        ("matrix", f"matrix://user:{{}}@{here}/%23room"), ("mattermost", f"mmost://{here}/{{}}"),
        ("discord", "discord://4174216298/{}"), ("slack", "slack://T1JJ3T3L2/A1BRTD4JD/{}/%23ops"),
        ("telegram", "tgram://123456789:{}/12315544/"), ("google", "gchat://workspace/{0}/{0}x"),
        ("webex", "wxteams://{}"), ("pushover", "pover://{0}@{0}"), ("teams", "workflow://host.example/{0}/{0}"),
    ):  # fmt: skip
        plain = re.sub(r"\W", "", new(found, name))
        found.channel(name, url.format(plain[:24] if name == "slack" else plain))
    mail = f"127.0.0.1:{ports['mail']}?mode=insecure&from=t@example.com&to=y@example.com"
    found.channel("mail", f"mailto://user:{new(found, 'smtp')}@{mail}")


READING = (
    ("jobs", "--json"), ("history", "--json"), ("deliveries",), ("deliveries", "--json"), ("health",),
    ("health", "--json"), ("events", "ftjob-repeats", "--account", "jobs-plain", "--json"),
    ("show", "ftjob-repeats", "--account", "jobs-plain"),
    ("show", "ftjob-repeats", "--account", "jobs-plain", "--json"),
)  # fmt: skip


@pytest.mark.e2e
def test_nothing_secret_comes_out_when_everything_fails(planted: Planted) -> None:
    out: dict[str, str | bytes] = {}
    # Much of it is waiting for what never comes, so several wait together; but one database has one writer.
    with ThreadPoolExecutor(4) as pool:
        daemons = [pool.submit(watch, planted, form) for form in ("human", "json")]
        asked = [("check",), ("check", "--online"), ("test-notice",)]
        out.update(zip(map(" ".join, asked), pool.map(lambda words: planted.run(*words), asked), strict=True))
        for daemon in daemons:
            out.update(daemon.result())
        after = [("poll", "--json", "--log-level", "debug"), *READING]
        out.update(zip(map(" ".join, after), pool.map(lambda words: planted.run(*words), after), strict=True))
    for file in planted.folder.glob("*.db*"):
        out[file.name] = file.read_bytes()
    out["notices"] = "\n".join(planted.notices.queue)
    assert {source: names for source, text in out.items() if (names := planted.leaked(text))} == {}
    # Otherwise there was nothing to find.
    assert "tunewatch is blind" in out["notices"]
    assert {"human.db", "json.db"} <= out.keys()
    for words in READING:
        assert "Traceback" not in str(out[" ".join(words)])


def watch(planted: Planted, form: str) -> dict[str, str | bytes]:
    """The daemon until every account and every channel has failed, on a database of its own."""
    env = {**planted.env, "DB": f"{form}.db"}
    awaited = [f" {name}: " if form == "human" else f'"{name}: ' for name in ("401-json", "file", "proxied", "nowhere")]
    awaited += [f"{name} (" for name in ("json", "broken", "unknown", "matrix", "discord", "teams", "mail")]
    with servers.Program("run", "--log-format", form, "--log-level", "debug", cwd=planted.folder, env=env) as daemon:
        while not all(words in daemon.log for words in awaited):
            daemon.await_log("")
        command_line = Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes()
        assert daemon.stop() == 0
    return {f"log of the {form} form": daemon.log, f"command line of the {form} form": command_line}


UNFORESEEN = """
import base64, logging, os, sys, threading
from service.cli import logs
from service.rules import masking

key = os.environ["KEY"]
logs.set_up(sys.argv[1], "debug")
masking.KNOWN.learn(key)
logging.getLogger("service").error("one\\r\\n2030-01-01T00:00:00Z INFO forged \\x1b[2J")
logging.getLogger("some.library").debug("POST /%s", key)
logging.getLogger("some.library").warning("Failed to parse headers (url=/%s)", key)
try:
    raise ValueError(key)
except ValueError as error:
    logging.getLogger("service.somewhere").exception("%s", base64.b64encode(f"user:{key}".encode()))
    cause = error

def fail():
    raise RuntimeError(f"in a thread: {key}")

thread = threading.Thread(target=fail)
thread.start()
thread.join()
raise RuntimeError(f"{key} \\x1b[2J\\nforged") from cause
"""


@pytest.mark.e2e
@pytest.mark.parametrize("form", ["human", "json"])
def test_no_traceback_and_no_library_tells_a_secret(form: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNFORESEEN, form], cwd=tmp_path, env=servers.environment({"KEY": KEY}),
        capture_output=True, text=True, timeout=servers.TIMEOUT, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert leaks.found(done.stderr, [KEY]) == []
    assert done.stderr.count("Traceback") == 4
    assert "POST" not in done.stderr
    assert "Failed to parse headers (url=/****)" in done.stderr
    assert "\x1b" not in done.stderr
    assert "\n2030" not in done.stderr
    if form == "json":
        assert [json.loads(line)["level"] for line in done.stderr.splitlines()] == [
            "error", "warning", "error", "critical", "critical",
        ]  # fmt: skip


Connect = Callable[[str], OpenAIProvider]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Makes a provider that is answered in the way named (see malice)."""
    monkeypatch.setenv("SSL_CERT_FILE", receivers.CERTIFICATE)
    with malice.world(queue.Queue()) as ports, contextlib.ExitStack() as stack:

        def connect(how: str) -> OpenAIProvider:
            url = f"http://127.0.0.1:{ports['provider']}/{how}/v1"
            provider = OpenAIProvider(account="main", api_key=KEY, base_url=url, request_timeout=timedelta(seconds=5))
            stack.callback(provider.close)
            return provider

        yield connect


@pytest.mark.parametrize(
    "how",
    [*(f"401-{spelling}" for spelling in malice.repetitions("")), "403-login", "404-base64", "429-login", "500-repr",
     "400-json", "page-plain", "page-json"],
)  # fmt: skip
def test_a_provider_that_repeats_the_key_does_not_get_it_into_our_words(how: str, connect: Connect) -> None:
    with pytest.raises(errors.TunewatchError) as caught:
        connect(how).jobs(None)
    assert leaks.found(str(caught.value), [KEY]) == []


@pytest.mark.parametrize("spelling", ["plain", "base64", "login"])
def test_a_key_in_what_the_provider_says_of_a_job_is_not_kept(spelling: str, connect: Connect) -> None:
    provider = connect(f"jobs-{spelling}")
    raw = [item.raw for item in provider.jobs(None).items]
    events = provider.events("ftjob-repeats", None).events
    assert "ftjob-repeats" in raw[0]
    assert leaks.found(f"{raw} {events}", [KEY]) == []
