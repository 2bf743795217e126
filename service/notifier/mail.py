"""E-mail: HTML and plain text together, the picture in its place, and one thread for each job.

Apprise's e-mail plugin keeps the addresses, the connection and the login. The mail itself is made with the standard
library: Apprise would derive the plain text from the HTML, put a picture beside both, and give each attempt a
Message-ID of its own, so that a mail sent again after a crash could not be recognised as the same.
"""

import email
import email.message
import email.policy
import hashlib
import smtplib
from collections.abc import Iterator
from typing import Any

from apprise import NotifyFormat
from apprise.plugins.email.base import NotifyEmail, PGPMode
from apprise.plugins.email.smtp import AppriseSMTPController

from service import model

# The same in every mail of every installation, so that one filter in a mailbox catches them all.
LIST_ID = "tunewatch <notices.tunewatch.invalid>"
_DOMAIN = "tunewatch.invalid"
_LONGEST_SUBJECT = 250
# Not every server takes eight bits, or lines of any length. What Apprise wrote of addresses stays as it wrote it; what
# is signed has to.
_POLICY = email.policy.SMTP.clone(cte_type="7bit", refold_source="none")


class Mail(NotifyEmail):
    """One mail destination. Set `message` before each notification: it is what is sent."""

    message = model.Message(title="", body="", kind=model.Kind.DIGEST, notice_id="", dedup_key="unset")

    def __init__(self, **given: Any) -> None:
        self._given = given
        super().__init__(**given)  # type: ignore[no-untyped-call]

    def one_per_recipient(self) -> list["Mail"]:
        """A destination for each recipient, so that one who is refused does not repeat the others' mail.

        With cc or bcc the recipients belong together and stay together.
        """
        if self.cc or self.bcc or len(self.targets) < 2:
            return [self]
        singles = []
        for target in self.targets:
            single = type(self)(**self._given)
            single.targets = [target]
            singles.append(single)
        return singles

    @property
    def text_only(self) -> bool:
        """Whether the URL asks for plain text: with `format=text`, or with PGP.

        What is encrypted or signed is put together by Apprise, which knows one text and nothing of ours beside it.
        """
        return self._format_override is NotifyFormat.TEXT or self.pgp_mode != PGPMode.NONE

    def send(self, *_: Any, **__: Any) -> Any:
        """Called by Apprise; what is logged here becomes the reason of a failure."""
        controller = AppriseSMTPController(
            host=self.smtp_host, port=self.port or 0, secure_mode=self.secure_mode or "", user=self.user,
            password=self.password,
            verify_certificate=self.verify_certificate, socket_connect_timeout=self.socket_connect_timeout,
        )  # fmt: skip
        try:
            with controller as smtp:
                # All of them, even when one is refused.
                accepted = [self._submit(smtp, recipients, mail) for recipients, mail in self._mails()]
                return all(accepted)
        except (OSError, smtplib.SMTPException, RuntimeError) as error:
            # Apprise would keep the reason to itself.
            self.logger.warning("The mail server %s failed: %s", self.smtp_host, error)
            return False

    def _submit(self, smtp: AppriseSMTPController, recipients: list[str], mail: email.message.EmailMessage) -> bool:
        return smtp.sendmail(str(self.from_addr[1]), recipients, mail.as_bytes())  # type: ignore[arg-type]

    def _mails(self) -> Iterator[tuple[list[str], email.message.EmailMessage]]:
        prepared = NotifyEmail.prepare_emails(
            subject="", body=self.message.body, notify_format=NotifyFormat.TEXT, from_addr=self.from_addr,
            to=self.targets, cc=self.cc, bcc=self.bcc, reply_to=self.reply_to, smtp_host=self.smtp_host,
            headers=self.headers, names=self.names, pgp=self.pgp, pgp_mode=self.pgp_mode, tzinfo=self.tzinfo,
        )  # fmt: skip
        for each in prepared:
            mail = email.message_from_string(str(each.body), policy=_POLICY)
            if self.pgp_mode == PGPMode.NONE:
                self._fill(mail)
            for name, value in self._headers():
                del mail[name]
                mail[name] = value
            yield each.to_addrs, mail

    def _headers(self) -> Iterator[tuple[str, str]]:
        # A header is one line, whatever a title holds.
        yield "Subject", " ".join(self.message.title.split())[:_LONGEST_SUBJECT]
        yield "Message-ID", f"<{self.message.dedup_key}@{_DOMAIN}>"
        yield "List-Id", LIST_ID
        # So that no holiday notice answers it.
        yield "Auto-Submitted", "auto-generated"
        if self.message.thread:
            # No mail has this id: it is what all mails of a job have in common, whichever of them comes first.
            root = f"<{hashlib.sha256(self.message.thread.encode()).hexdigest()[:16]}@{_DOMAIN}>"
            yield "In-Reply-To", root
            yield "References", root

    def _fill(self, mail: email.message.EmailMessage) -> None:
        """Alternatives, the best last: the text, and the HTML together with the picture that it shows."""
        mail.clear_content()
        mail.set_content(self.message.body)
        if self.message.html is None or self.text_only:
            return
        mail.add_alternative(self.message.html, subtype="html")
        if self.message.picture is not None:
            html = mail.get_payload()[1]  # type: ignore[index]
            html.add_related(  # type: ignore[union-attr]
                self.message.picture, "image", "png", cid="<curve>", filename="curve.png", disposition="inline"
            )
