"""Mails, read as a mail program would, from servers that are real."""

import dataclasses
import email.message
import email.utils
import re
from collections.abc import Iterator

import pytest

from service import errors, model
from service.notifier.notifier import AppriseNotifier
from tests import builders
from tests.notifier import messages, servers


def send(url: str, *told: model.Message) -> None:
    notifier = AppriseNotifier()
    (destination,) = notifier.add(builders.channel("mail"), [url])
    for message in told:
        notifier.send(destination.key, message)


def sent(mailbox: servers.Mailbox, message: model.Message, more: str = "") -> email.message.EmailMessage:
    send(mailbox.url(more=more), message)
    return mailbox.mails[-1][1]


def shape(mail: email.message.MIMEPart) -> object:
    """The types of the parts, nested as they are."""
    kind = mail.get_content_type()
    return (kind, *map(shape, mail.iter_parts())) if mail.is_multipart() else kind


def read(mail: email.message.EmailMessage, form: str) -> str:
    body = mail.get_body((form,))
    assert body is not None
    text: str = body.get_content()
    return text.replace("\r\n", "\n").removesuffix("\n")


class TestForm:
    def test_text_and_html_are_alternatives_and_the_picture_belongs_to_the_html(self, mailbox: servers.Mailbox) -> None:
        mail = sent(mailbox, messages.WITH_CURVE)
        assert shape(mail) == ("multipart/alternative", "text/plain", ("multipart/related", "text/html", "image/png"))
        picture = next(part for part in mail.walk() if part.get_content_type() == "image/png")
        assert picture["Content-ID"] == "<curve>"
        assert picture.get_content_disposition() == "inline"
        assert picture.get_content() == messages.PNG
        assert 'src="cid:curve"' in read(mail, "html")
        assert mail.defects == []

    def test_without_a_picture_nothing_refers_to_one(self, mailbox: servers.Mailbox) -> None:
        mail = sent(mailbox, messages.SUCCEEDED)
        assert shape(mail) == ("multipart/alternative", "text/plain", "text/html")
        assert b"cid:" not in mailbox.raw[-1]

    def test_text_and_html_are_those_that_were_composed(self, mailbox: servers.Mailbox) -> None:
        mail = sent(mailbox, messages.WITH_CURVE)
        assert read(mail, "plain") == messages.WITH_CURVE.body
        assert read(mail, "html") == messages.WITH_CURVE.html

    def test_a_message_without_html_is_a_mail_of_text(self, mailbox: servers.Mailbox) -> None:
        assert shape(sent(mailbox, dataclasses.replace(messages.WITH_CURVE, html=None))) == "text/plain"

    def test_a_url_that_asks_for_text_gets_nothing_else(self, mailbox: servers.Mailbox) -> None:
        mail = sent(mailbox, messages.WITH_CURVE, more="&format=text")
        assert shape(mail) == "text/plain"
        assert read(mail, "plain") == messages.WITH_CURVE.body

    def test_any_text_travels_as_ascii_in_short_lines(self, mailbox: servers.Mailbox) -> None:
        text = f"{'訓練が終わりました。' * 300}\n{'x' * 3000}\n.\n.dot\nFrom here\n\n  indented  "
        told = dataclasses.replace(
            messages.WITH_CURVE, body=text, html=f"<p>{text}</p>", title="✅ 雨" + "の長い名前" * 20
        )
        mail = sent(mailbox, told)
        assert (read(mail, "plain"), read(mail, "html")) == (told.body, told.html)
        assert mail["Subject"] == told.title
        assert mailbox.raw[-1].isascii()
        assert max(map(len, mailbox.raw[-1].split(b"\r\n"))) <= 998

    @pytest.mark.parametrize(
        "title", ["a\r\nBcc: all@evil.example\r\n\r\nforged", "a\n\nb", "a\x85b\u2028c\x0bd", " \t"]
    )
    def test_a_title_of_several_lines_is_a_subject_of_one(self, mailbox: servers.Mailbox, title: str) -> None:
        mail = sent(mailbox, dataclasses.replace(messages.SUCCEEDED, title=title))
        assert mail["Subject"] == " ".join(title.split())
        assert mail["Bcc"] is None
        assert mailbox.mails[-1][0] == ["you@example.com"]


class TestHeaders:
    def test_all_mails_of_a_job_form_one_thread(self, mailbox: servers.Mailbox) -> None:
        started = dataclasses.replace(messages.SUCCEEDED, title="▶ rain has started", dedup_key="tw-other.0123")
        send(mailbox.url(), started, messages.SUCCEEDED)
        (_, first), (_, second) = mailbox.mails
        assert first["References"] == first["In-Reply-To"] == second["References"] == second["In-Reply-To"]
        assert re.fullmatch(r"<[0-9a-f]{16}@tunewatch\.invalid>", first["References"])
        assert first["Message-ID"] != second["Message-ID"]

    def test_another_job_forms_another_thread(self, mailbox: servers.Mailbox) -> None:
        send(mailbox.url(), messages.SUCCEEDED, dataclasses.replace(messages.SUCCEEDED, thread="main/ftjob-2"))
        assert len({mail["References"] for _, mail in mailbox.mails}) == 2

    def test_what_is_about_no_job_stands_alone(self, mailbox: servers.Mailbox) -> None:
        mail = sent(mailbox, dataclasses.replace(messages.SUCCEEDED, thread=None))
        assert (mail["References"], mail["In-Reply-To"]) == (None, None)

    def test_a_job_id_forges_no_header(self, mailbox: servers.Mailbox) -> None:
        mail = sent(mailbox, dataclasses.replace(messages.SUCCEEDED, thread="a>\r\nBcc: all@evil.example\r\n\r\n"))
        assert mail["Bcc"] is None

    def test_mail_programs_can_filter_it_and_do_not_answer_it(self, mailbox: servers.Mailbox) -> None:
        mail = sent(mailbox, messages.SUCCEEDED)
        assert mail["List-Id"] == "tunewatch <notices.tunewatch.invalid>"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert email.utils.parsedate_to_datetime(mail["Date"]).tzinfo

    def test_headers_and_names_of_the_url_are_kept(self, mailbox: servers.Mailbox) -> None:
        mail = sent(mailbox, messages.WITH_CURVE, more="&%2BX-Team=ml&reply=r@example.com&name=%E9%9B%A8")
        assert (mail["X-Team"], mail["Reply-To"]) == ("ml", "r@example.com")
        assert mail["From"] == "雨 <tunewatch@example.com>"

    def test_a_hidden_copy_stays_hidden(self, mailbox: servers.Mailbox) -> None:
        mail = sent(mailbox, messages.WITH_CURVE, more="&cc=c@example.com&bcc=b@example.com")
        assert mailbox.mails[-1][0] == ["you@example.com", "c@example.com", "b@example.com"]
        assert (mail["Cc"], mail["Bcc"]) == ("c@example.com", None)


def test_a_url_that_asks_for_encryption_never_gets_it_without(mailbox: servers.Mailbox) -> None:
    """As long as Apprise's library for it is not there, the mail waits."""
    with pytest.raises(errors.Transient):
        send(mailbox.url(more="&pgp=encrypt"), messages.WITH_CURVE)
    assert mailbox.mails == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return servers.self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def secured(certificate: tuple[str, str]) -> Iterator[servers.Mailbox]:
    with servers.mailbox(certificate) as box:
        yield box


class TestSecuredServer:
    @staticmethod
    def url(box: servers.Mailbox, password: str = servers.MAIL_LOGIN[1]) -> str:
        login = servers.MAIL_LOGIN[0].replace("@", "%40")
        return f"mailtos://{login}:{password}@127.0.0.1:{box.port}?mode=starttls&from=t@example.com&to=you@example.com"

    def test_a_mail_arrives_over_a_secured_line_with_a_login(
        self, secured: servers.Mailbox, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
        send(self.url(secured), messages.WITH_CURVE)
        ((recipients, mail),) = secured.mails
        assert recipients == ["you@example.com"]
        assert secured.logins == [servers.MAIL_LOGIN[0]]
        assert read(mail, "plain") == messages.WITH_CURVE.body

    def test_a_wrong_password_is_told_and_not_shown(
        self, secured: servers.Mailbox, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
        with pytest.raises(errors.Transient, match="535") as caught:
            send(self.url(secured, "s3cret-wrong"), messages.SUCCEEDED)
        assert "s3cret" not in str(caught.value)
        assert secured.mails == []

    def test_a_certificate_that_nobody_vouches_for_is_refused(self, secured: servers.Mailbox) -> None:
        with pytest.raises(errors.Transient, match="certificate verify failed"):
            send(self.url(secured), messages.SUCCEEDED)
        assert (secured.mails, secured.logins) == ([], [])
