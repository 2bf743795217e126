"""What arrives at real servers, and what is said when it does not."""

import dataclasses
import logging
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from service import errors, model
from service.model import Kind
from service.notifier.notifier import AppriseNotifier
from tests import builders
from tests.notifier import messages, servers

MESSAGE = model.Message(
    title="✅ rain has succeeded",
    body="Fine-tuning job ftjob-1 (account main) has succeeded.\n\nLosses: <b>0.5</b> & _more_\n\nNotice tw-abc",
    kind=Kind.SUCCEEDED,
    notice_id="tw-abc",
    dedup_key="tw-abc.0123",
)
KINDS = frozenset({Kind.FAILED, Kind.SUCCEEDED})
OTHER = dataclasses.replace(MESSAGE, dedup_key="tw-xyz.0123")


@pytest.fixture
def talkative(caplog: pytest.LogCaptureFixture) -> None:
    """As with logging for debugging: then Apprise's plugins tell most, whole addresses among it."""
    caplog.set_level(logging.DEBUG, logger="apprise")


class Channel:
    """A notifier with one channel of these URLs."""

    def __init__(self, *urls: str) -> None:
        self.notifier = AppriseNotifier()
        self.destinations = self.notifier.add(builders.channel("chat", accounts=("ma*",), kinds=KINDS), urls)

    def send(self, message: model.Message = MESSAGE, to: int = 0) -> None:
        self.notifier.send(self.destinations[to].key, message)

    def trouble(self, message: model.Message = MESSAGE, to: int = 0) -> str:
        with pytest.raises(errors.Transient) as caught:
            self.send(message, to)
        assert "\n" not in str(caught.value)
        return str(caught.value)


class TestMail:
    def test_a_mail_arrives_once_with_title_and_text(self, mailbox: servers.Mailbox) -> None:
        Channel(mailbox.url()).send()
        ((recipients, mail),) = mailbox.mails
        assert recipients == ["you@example.com"]
        assert mail["Subject"] == MESSAGE.title
        assert "tunewatch@example.com" in mail["From"]
        assert mail.get_content_type() == "text/plain"
        assert mail.get_content().replace("\r\n", "\n").strip() == MESSAGE.body

    def test_a_second_attempt_has_the_same_message_id_and_another_notice_another(
        self, mailbox: servers.Mailbox
    ) -> None:
        channel = Channel(mailbox.url())
        for message in (MESSAGE, MESSAGE, OTHER):
            channel.send(message)
        first, again, other = (mail["Message-ID"] for _, mail in mailbox.mails)
        assert first == again == "<tw-abc.0123@tunewatch.invalid>"
        assert other != first

    def test_each_recipient_is_a_destination_with_its_own_mail(self, mailbox: servers.Mailbox) -> None:
        channel = Channel(mailbox.url(to="a@example.com,b@example.com"))
        assert [each.label for each in channel.destinations] == ["mail to a@example.com", "mail to b@example.com"]
        assert len({each.key for each in channel.destinations}) == 2
        channel.send(to=1)
        assert [recipients for recipients, _ in mailbox.mails] == [["b@example.com"]]

    def test_recipients_with_a_copy_stay_together(self, mailbox: servers.Mailbox) -> None:
        channel = Channel(mailbox.url(to="a@example.com,b@example.com", more="&cc=c@example.com"))
        assert len(channel.destinations) == 1
        channel.send()
        reached = {address for recipients, _ in mailbox.mails for address in recipients}
        assert reached == {"a@example.com", "b@example.com", "c@example.com"}

    def test_a_refused_recipient_disturbs_nobody(self, mailbox: servers.Mailbox) -> None:
        mailbox.refuses["a@example.com"] = "550 5.1.1 nobody of that name"
        channel = Channel(mailbox.url(to="a@example.com,b@example.com"))
        channel.trouble(to=0)
        channel.send(to=1)
        assert [recipients for recipients, _ in mailbox.mails] == [["b@example.com"]]

    def test_a_refused_recipient_is_told_in_the_servers_words(self, mailbox: servers.Mailbox) -> None:
        mailbox.refuses["you@example.com"] = "550 5.1.1 nobody of that name"
        assert "nobody of that name" in Channel(mailbox.url()).trouble()

    @pytest.mark.usefixtures("talkative")
    def test_a_refused_recipient_is_told_in_the_servers_words_when_debugging(self, mailbox: servers.Mailbox) -> None:
        mailbox.refuses["you@example.com"] = "450 4.2.1 greylisted for now"
        assert "greylisted for now" in Channel(mailbox.url()).trouble()

    def test_a_server_that_is_not_there_is_told_with_its_reason(self) -> None:
        port = servers.closed_port()
        url = f"mailto://user:s3cretpw@127.0.0.1:{port}?mode=insecure&from=t@example.com&to=y@example.com"
        reason = Channel(url).trouble()
        assert "refused" in reason.lower()
        assert "s3cretpw" not in reason


class TestWebhook:
    def test_a_webhook_gets_title_and_message_once(self, hook: servers.Hook) -> None:
        Channel(hook.url("/a/b")).send()
        ((path, _, payload),) = hook.posts
        assert path == "/a/b"
        assert (payload["title"], payload["message"]) == (MESSAGE.title, MESSAGE.body)

    def test_a_second_attempt_has_the_same_idempotency_key_and_another_notice_another(self, hook: servers.Hook) -> None:
        channel = Channel(hook.url())
        for message in (MESSAGE, MESSAGE, OTHER):
            channel.send(message)
        assert [headers["Idempotency-Key"] for _, headers, _ in hook.posts] == [
            "tw-abc.0123",
            "tw-abc.0123",
            "tw-xyz.0123",
        ]

    def test_a_webhook_gets_the_notice_for_machines_beside_apprises_own_fields(self, hook: servers.Hook) -> None:
        Channel(hook.url()).send(messages.WITH_CURVE)
        payload = hook.posts[0][2]
        assert payload["tunewatch"] == messages.WITH_CURVE.data
        assert (payload["title"], payload["message"]) == (messages.WITH_CURVE.title, messages.WITH_CURVE.body)
        assert (payload["version"], payload["type"], payload["attachments"]) == ("1.0", "success", [])

    def test_the_fields_that_the_url_asks_for_are_as_without_it(self, hook: servers.Hook) -> None:
        Channel(hook.url("/x?:team=ml&:message=text&:attachments=")).send(messages.SUCCEEDED)
        assert hook.posts[0][2] == {
            "version": "1.0", "title": messages.SUCCEEDED.title, "text": messages.SUCCEEDED.body, "type": "success",
            "team": "ml", "tunewatch": messages.SUCCEEDED.data,
        }  # fmt: skip

    @pytest.mark.parametrize(("more", "value"), [(":tunewatch=mine", "mine"), (":type=tunewatch", "success")])
    def test_a_field_that_the_url_names_so_itself_is_the_owners(
        self, hook: servers.Hook, more: str, value: str
    ) -> None:
        Channel(hook.url(f"/x?{more}")).send(messages.SUCCEEDED)
        assert hook.posts[0][2]["tunewatch"] == value

    def test_each_message_has_its_own_data(self, hook: servers.Hook) -> None:
        channel = Channel(hook.url())
        for message in (messages.SUCCEEDED, MESSAGE):
            channel.send(message)
        assert ["tunewatch" in payload for _, _, payload in hook.posts] == [True, False]

    @pytest.mark.parametrize(("kind", "word"), [
        (Kind.SUCCEEDED, "success"), (Kind.FAILED, "failure"), (Kind.CANCELLED, "warning"), (Kind.PAUSED, "info"),
        (Kind.WATCH_FAILING, "warning"), (Kind.WATCH_RECOVERED, "success"),
    ])  # fmt: skip
    def test_the_kind_becomes_apprises_word_for_it(self, hook: servers.Hook, kind: Kind, word: str) -> None:
        Channel(hook.url()).send(dataclasses.replace(MESSAGE, kind=kind))
        assert hook.posts[0][2]["type"] == word

    @pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
    def test_anything_but_acceptance_is_told_and_nothing_of_the_url(self, hook: servers.Hook, status: int) -> None:
        hook.status = status
        url = hook.url("/s3cret-path/x?+X-Key=s3cret-header&-token=s3cret-query", login="s3cret-user:s3cret-pass@")
        reason = Channel(url).trouble()
        assert reason
        assert "s3cret" not in reason
        assert len(hook.posts) == 1

    @pytest.mark.parametrize(
        "secret",
        [
            "s3cret-t0ken", "s3cret%2Ft0ken",
            "s3cret%20t0ken", "%c3%bcs3cret",
        ],
    )  # fmt: skip
    @pytest.mark.usefixtures("talkative")
    def test_a_receiver_that_is_not_there_is_told_and_nothing_of_the_url(self, secret: str) -> None:
        """The library's own words hold the whole address."""
        port = servers.closed_port()
        reason = Channel(f"json://127.0.0.1:{port}/{secret}/x?-token={secret}").trouble()
        assert "refused" in reason
        assert "s3cret" not in reason

    def test_a_receiver_that_is_not_there_is_told_with_its_reason(self) -> None:
        assert "refused" in Channel(f"json://127.0.0.1:{servers.closed_port()}").trouble()


def test_destinations_ask_for_what_their_channel_asks_for(hook: servers.Hook) -> None:
    (destination,) = Channel(hook.url()).destinations
    assert destination.channel.kinds == KINDS
    assert (destination.channel.accounts, destination.channel.name) == (("ma*",), "chat")


def test_a_url_named_twice_counts_once(hook: servers.Hook) -> None:
    assert len(Channel(hook.url(), hook.url(), hook.url("/other")).destinations) == 2


MARK = "s3cretTOKENs3cretTOKENs3cretTOKEN"
SERVICES = {
    "slack": f"slack://T1JJ3T3L2/A1BRTD4JD/{MARK[:24]}/#ops",
    "discord": f"discord://4174216298/{MARK}",
    "telegram": pytest.param(
        f"tgram://123456789:{MARK}/12315544/",
    ),
    "ifttt": f"ifttt://{MARK}@Event",
    "google chat": f"gchat://workspace/{MARK}/{MARK}x",
}


@pytest.mark.usefixtures("talkative")
@pytest.mark.parametrize("url", SERVICES.values(), ids=SERVICES)
def test_a_service_that_cannot_be_reached_is_told_and_nothing_of_its_tokens(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that nobody runs keeps the test off the network."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{servers.closed_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    reason = Channel(url).trouble()
    assert "proxy" in reason.lower()
    assert "s3cret" not in reason


def test_a_destination_that_hangs_delays_no_other_and_gets_nothing_twice() -> None:
    """Apprise's own time limit would leave its thread in a small pool that all destinations share."""
    gate, posts = threading.Event(), []

    class Slow(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            posts.append(self.path)
            if self.path.startswith("/slow"):
                gate.wait()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        notifier = AppriseNotifier(longest_send=timedelta(seconds=0.2))
        urls = [f"json://127.0.0.1:{server.server_port}/slow{number}?rto=60" for number in range(8)]
        urls.append(f"json://127.0.0.1:{server.server_port}/quick")
        *slow, quick = notifier.add(builders.channel("chat"), urls)
        for destination in slow:
            with pytest.raises(errors.Transient, match="no answer within"):
                notifier.send(destination.key, MESSAGE)
            with pytest.raises(errors.Transient, match="no answer within"):
                notifier.send(destination.key, MESSAGE)
        notifier.send(quick.key, MESSAGE)
        gate.set()
        for destination in slow:
            notifier._lanes[destination.key]._left_behind.join()  # type: ignore[union-attr]
            notifier.send(destination.key, MESSAGE)
        server.shutdown()
        serving.join()
    assert len(posts) == 9
