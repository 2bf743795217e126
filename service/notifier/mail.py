"""E-mail with a Message-ID that stays the same at every attempt.

Apprise gives each attempt a new one, so a mail sent again after a crash could not be recognised as the same.
Everything else of its e-mail plugin is used as it is.
"""

import smtplib
from email import message_from_string
from typing import Any

from apprise.plugins.email.base import NotifyEmail
from apprise.plugins.email.smtp import AppriseSMTPController


class Mail(NotifyEmail):
    """One mail destination. Set `dedup_key` before each notification."""

    dedup_key = "unset"

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

    def send(
        self, body: Any, title: Any = "", notify_type: Any = None,  # noqa: ARG002
        attach: Any = None, body_format: Any = None, **_: Any,
    ) -> Any:  # fmt: skip
        """Called by Apprise; what is logged here becomes the reason of a failure."""
        messages = NotifyEmail.prepare_emails(
            subject=title, body=body, notify_format=self.resolve_format(body_format), from_addr=self.from_addr,
            to=self.targets, cc=self.cc, bcc=self.bcc, reply_to=self.reply_to, smtp_host=self.smtp_host,
            attach=attach, headers=self.headers, names=self.names, pgp=self.pgp, pgp_mode=self.pgp_mode,
            inline=self.inline, tzinfo=self.tzinfo,
        )  # fmt: skip
        controller = AppriseSMTPController(
            host=self.smtp_host, port=self.port or 0, secure_mode=self.secure_mode or "", user=self.user,
            password=self.password,
            verify_certificate=self.verify_certificate, socket_connect_timeout=self.socket_connect_timeout,
        )  # fmt: skip
        try:
            with controller as smtp:
                # All of them, even when one is refused.
                accepted = [self._submit(smtp, message) for message in messages]
                return all(accepted)
        except (OSError, smtplib.SMTPException, RuntimeError) as error:
            # Apprise would keep the reason to itself.
            self.logger.warning("The mail server %s failed: %s", self.smtp_host, error)
            return False

    def _submit(self, smtp: AppriseSMTPController, message: Any) -> bool:
        parsed = message_from_string(str(message.body))
        parsed.replace_header("Message-ID", f"<{self.dedup_key}@tunewatch.invalid>")
        return smtp.sendmail(str(self.from_addr[1]), message.to_addrs, parsed.as_string())
