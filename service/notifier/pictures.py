"""Which services show a picture, and whether it travels with its text."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from apprise import AppriseAttachment
from apprise.plugins.base import NotifyBase

from service import model
from service.notifier import flavours
from service.notifier.mail import Mail

# One request carries both, so that a refused picture means a refused text.
_TOGETHER = (
    "brevo", "mailersend", "mailgun", "mmosts", "ntfys", "pover", "resend", "sendgrid", "ses", "signals", "smtp2go",
    "sparkpost",
)  # fmt: skip
# The text is accepted before the picture is sent.
_APART = ("discord", "guilded", "kook", "matrixs", "slack", "tgram", "webex")
# The webhooks of these services take none.
_ONLY_IN_MODE = {"matrixs": "off", "mmosts": "bot", "slack": "bot"}
# They post a message in any case, be it an empty one.
_NEEDS_WORDS = ("matrixs", "slack")
# There the text travels in the address, which servers limit to some kilobytes.
_IN_THE_ADDRESS = "ntfys"
_LONGEST_ADDRESS = 6000


def shown(plugin: NotifyBase) -> bool:
    """Whether people see a picture there."""
    return not plugin.text_only if isinstance(plugin, Mail) else attaches(plugin)


def attaches(plugin: NotifyBase) -> bool:
    """Whether the service takes a picture from Apprise. A mail has its own way to hold one."""
    name = flavours.service(plugin)
    if name in _ONLY_IN_MODE and getattr(plugin, "mode", None) != _ONLY_IN_MODE[name]:
        return False
    return plugin.attachment_support and name in (*_TOGETHER, *_APART)


def together(plugin: NotifyBase, form: flavours.Form) -> bool:
    """Whether the picture is sent in one request with this text."""
    name = flavours.service(plugin)
    if name == _IN_THE_ADDRESS and len(quote(f"{form.title}{form.body}")) > _LONGEST_ADDRESS:
        return False
    return name in _TOGETHER


def alone(plugin: NotifyBase, message: model.Message, form: flavours.Form) -> flavours.Form:
    """What goes with the picture when its text has gone before."""
    words = message.notice_id if flavours.service(plugin) in _NEEDS_WORDS else ""
    return dataclasses.replace(form, title="", body=words)


@contextlib.contextmanager
def filed(picture: bytes | None) -> Iterator[AppriseAttachment | None]:
    """The picture in a file, until the block is left: not every plugin reads it from memory.

    None when there is none, or no place for it: a text does not wait for that.
    """
    with contextlib.ExitStack() as stack:
        attachment = None
        if picture is not None:
            with contextlib.suppress(OSError):
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tunewatch-"))
                path = Path(folder, "curve.png")
                path.write_bytes(picture)
                attachment = AppriseAttachment(str(path))
        yield attachment
