"""No token, password or login of a channel stands in a label, an error or a log line, whatever a service says."""

import base64
import contextlib
import logging
import re
import socketserver
import threading
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from service import errors, model
from service.notifier import destinations
from service.notifier.notifier import AppriseNotifier
from service.rules import masking
from tests import builders
from tests.notifier import leaks, servers, services

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

MESSAGE = model.Message(
    title="❌ rain has failed", body="Fine-tuning job ftjob-1 (account main) has failed.\nNotice tw-abc\n\nReason: x",
    kind=model.Kind.FAILED, notice_id="tw-abc", dedup_key="tw-abc.0123",
)  # fmt: skip
# Signs that are written in another way in every place where they may stand.
PASSWORD = "s3cret/ü +\"'&%41\\x=pass"


def label(url: str) -> str:
    return AppriseNotifier().add(builders.channel("chat"), [url])[0].label


def trouble(url: str, bird: servers.Parrot | None = None) -> str:
    """What is said of a message that does not arrive."""
    notifier = AppriseNotifier()
    destination = notifier.add(builders.channel("chat"), [url])[0]
    if bird:
        bird.tame(notifier._targets[destination.key].plugin)
    try:
        notifier.send(destination.key, MESSAGE)
    except errors.Transient as error:
        return str(error)
    return ""


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """All that reaches the root of logging when everything is logged."""
    lines: list[str] = []
    root = logging.getLogger()
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.setLevel(before)
    root.removeHandler(handler)


def test_no_label_holds_a_token() -> None:
    """Of any service that Apprise knows, in any form of its URL."""
    forms = list(services.every(servers.closed_port()))
    assert len(forms) > 350
    assert {form.url for form in forms if leaks.found(label(form.url), form.secrets)} == set()


def test_no_service_gets_a_token_out_of_us_by_repeating_all_that_it_was_sent(
    parrot: servers.Parrot, logged: list[str]
) -> None:
    parrot.status = 401
    told, silent = [], []
    for service in services.one_each(parrot.port):
        reason = trouble(service.url, parrot)
        silent += [] if reason else [service.schema]
        told += leaks.found(reason, (*service.secrets, servers.PROXY_LOGIN.partition(":")[2]))
        told += leaks.found("\n".join(logged), service.secrets)
        logged.clear()
    assert told == []
    assert len(silent) < 15
    assert len(parrot.requests) > 130


# Those that get a token at login and use it in the next request.
LOG_IN = {"kakaotalk", "matrix", "reddit", "ringc", "rocket", "sendpulse"}


def test_what_a_service_gives_us_at_login_is_not_repeated_either(parrot: servers.Parrot) -> None:
    """The first requests are answered well, the one that uses the token is not."""
    given = parrot.fails_once_given = "s3cret-given-at-login"
    parrot.status = 403
    notifier, told, used = AppriseNotifier(), [], []
    for service in services.one_each(parrot.port):
        if service.schema not in LOG_IN:
            continue
        parrot.requests.clear()
        target = notifier._targets[notifier.add(builders.channel("chat"), [service.url])[0].key]
        parrot.tame(target.plugin)
        with contextlib.suppress(errors.Transient):
            notifier.send(target.key, MESSAGE)
        if any(given in request.everything() for request in parrot.requests):
            used.append(service.schema)
            told += leaks.found(target.mask().cut(f"not with {given}"), [given])
    assert told == []
    assert set(used) == LOG_IN


def test_what_a_channel_holds_is_cut_out_of_every_log_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens, passwords and the login of a proxy; not each word of an address, or the log could not be read."""
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret-of-proxy@proxy.example:3128")
    for url in (
        "discord://4174216298/s3cretTOKEN2026abcdef",
        "jsons://me:s3cret-of-hook@hook.example/tunewatch/failed",
    ):
        label(url)
    text = "POST /s3cretTOKEN2026abcdef, s3cret-of-hook, s3cret-of-proxy: tunewatch at hook.example failed"
    assert masking.KNOWN.cut(text) == "POST /****, ****, ****: tunewatch at hook.example failed"


def quoted(secret: str) -> str:
    """As it stands in a URL."""
    return re.sub("%..", lambda code: code[0].lower(), quote(secret, safe=""))


@pytest.mark.parametrize(
    "url",
    [
        "json://s3cret-user:{}@127.0.0.1:{}/path",
        "ntfy://s3cret-user:{}@127.0.0.1:{}/s3cret-topic",
        "ntfy://127.0.0.1:{1}/s3cret-topic?auth=token&token={0}",
        "json://127.0.0.1:{1}/path?+X-Key={0}&-token={0}&:field={0}",
        "xml://127.0.0.1:{1}/{0}/path",
        "form://127.0.0.1:{1}/path?method=GET&-token={0}",
    ],
)
@pytest.mark.parametrize("spelt", ["{}", "%20{}", "pass%3D{}"])
def test_a_password_is_known_in_every_spelling(parrot: servers.Parrot, url: str, spelt: str) -> None:
    parrot.status = 500
    reason = trouble(url.format(spelt.format(quoted(PASSWORD)), parrot.port), parrot)
    assert reason
    assert leaks.found(reason, [PASSWORD, "s3cret-user", "s3cret-topic"]) == []


@pytest.mark.parametrize("spelling", [
    PASSWORD, quoted(PASSWORD), quoted(quoted(PASSWORD)), repr(PASSWORD), repr(PASSWORD.encode()),
    base64.b64encode(PASSWORD.encode()).decode(), base64.b64encode(f"\0user\0{PASSWORD}".encode()).decode(),
    base64.urlsafe_b64encode(f"me:{PASSWORD}:it".encode()).decode(), PASSWORD.upper(),
])  # fmt: skip
def test_a_mask_cuts_every_spelling(spelling: str) -> None:
    assert leaks.found(f"before {spelling} after", [PASSWORD]), "the search finds it where it is"
    cut = masking.Mask([PASSWORD]).cut(f"before {spelling} after")
    assert leaks.found(cut, [PASSWORD]) == []
    assert re.fullmatch(r"before .{0,12}\*\*\*\*.{0,6} after", cut)


def test_a_mask_leaves_words_alone() -> None:
    text = "401 Unauthorized: no such key, see the manual"
    assert masking.Mask(["key", "no", ""]).cut(text) == masking.Mask().cut(text) == text


@pytest.mark.parametrize(
    "proxy",
    [
        "http://somebody:s3cret-pass@127.0.0.1:99999",
        "http://somebody:s3cret/pass@127.0.0.1:1",
        "http://somebody:s3cret#pass@127.0.0.1:1",
        "http://somebody:s3cret-pass@[bad:1",
        "somebody:s3cret-pass@127.0.0.1:1",
        "http://somebody:s3cret-pass@",
    ],
)
def test_a_proxy_that_is_written_wrongly_is_told_without_its_login(
    proxy: str, off_the_net: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy)
    reason = trouble("jsons://hook.example/path")
    assert reason
    assert "s3cret" not in reason


class TestMailServer:
    """One that refuses the login and repeats it."""

    @staticmethod
    @contextlib.contextmanager
    def serving(repeats: str) -> Iterator[int]:
        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                for line in self.rfile:
                    words = line.decode().split()
                    if words[0].lower() == "ehlo":
                        answer = f"250-here\r\n250 AUTH {repeats}"
                    elif words[:2] == ["AUTH", "LOGIN"]:
                        answer = "334 UGFzc3dvcmQ6"
                    else:
                        answer = f"535 5.7.8 not with {words[-1]}, that is {base64.b64decode(words[-1])!r}"
                    self.wfile.write(f"{answer}\r\n".encode())

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield server.server_address[1]
            finally:
                server.shutdown()
                thread.join()

    @pytest.mark.parametrize("method", ["PLAIN", "LOGIN"])
    @pytest.mark.parametrize("password", ["s3cret-pass", "s3cret", PASSWORD.replace("ü", "u")])
    def test_the_password_is_not_told_when_it_is_refused(self, method: str, password: str) -> None:
        with self.serving(method) as port:
            reason = trouble(
                f"mailto://user:{quoted(password)}@127.0.0.1:{port}?mode=insecure&from=t@example.com&to=y@example.com"
            )
        assert "535" in reason
        assert leaks.found(reason, [password]) == []


@pytest.mark.parametrize(
    "url", ["slack://s3cret-token", "json://s3cret:s3cret@", "tgram://s3cret/", "mailto://a:s3cret@b?to=x"]
)
def test_a_url_that_cannot_be_used_is_not_logged(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Apprise would, and without any logging set up Python prints what it says."""
    assert destinations.fault(url)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
