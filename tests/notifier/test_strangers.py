"""Whatever strangers write, what arrives at a service is text: it mentions nobody, steers nothing, and it fits."""

import contextlib
import dataclasses
import email.message
import html
import re
from collections.abc import Sequence
from typing import Any

import pytest
from apprise.plugins.base import NotifyBase

from service import errors, model
from service.model import Kind
from service.notifier.notifier import AppriseNotifier
from service.rules import notices
from tests import builders
from tests.builders import at, job
from tests.composer.saying import said
from tests.notifier import servers, services, strangers

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

JOB_ID = "ftjob-7f3a9c"
HARMFUL = (*strangers.MENTIONS, *strangers.LINKS, *strangers.MARKUP, *strangers.STEERING)
# The elements that our mails are made of; without a page to look at and without a picture, nothing refers elsewhere.
LAYOUT = {"html", "head", "meta", "title", "style", "body", "div", "p", "br", "table", "tr", "td"}
# A title has room for a few only.
TITLES = (
    "@everyone <!here> <@U1> <@&4> <at>x</at> @x [c](http://e.x)",
    "<script><a href=x>c</a> &lt;!all&gt; a\r\nBcc: b@c.d\r\n\r\n\x1b[2J\u202e",
)


def message(suffix: str, texts: Sequence[str], job_id: str = JOB_ID) -> model.Message:
    """Of a failed job in which everything that can be a stranger's text is made of these."""
    a, b, c = (" ".join(texts[start::3]) for start in range(3))
    failed = job(
        "failed", job_id=job_id, suffix=suffix, model=a, method=b, error_code=c, error_message=a, error_param=b,
        metadata={"k": c, suffix: "v"}, hyperparameters={"n": b}, fine_tuned_model=suffix,
    )  # fmt: skip
    notice = notices.of_job(Kind.FAILED, failed, events=(), metrics=(), page_url=None, now=at(0))
    return said(notice)


class Everywhere:
    """Sends to every service that Apprise knows, by way of the parrot."""

    def __init__(self, bird: servers.Parrot) -> None:
        self._bird = bird
        self._notifier = AppriseNotifier()
        self._keys = {}
        for service in services.one_each(bird.port):
            destination = self._notifier.add(builders.channel("chat"), [service.url])[0]
            self._keys[service.schema] = destination.key
            bird.tame(self.plugin(service.schema))

    def plugin(self, schema: str) -> Any:
        return self._notifier._targets[self._keys[schema]].plugin

    def send(self, told: model.Message) -> dict[str, list[str]]:
        """By schema, the texts that it got of the message; services that got nothing are left out."""
        got = {}
        for schema, key in self._keys.items():
            self._bird.requests.clear()
            # Some expect another answer than the parrot's, and say that it went wrong.
            with contextlib.suppress(errors.Transient):
                self._notifier.send(key, told)
            found = [text for request in self._bird.requests for text in strangers.texts(request) if ours(text, told)]
            if found:
                got[schema] = found
        return got


def ours(text: str, told: model.Message) -> bool:
    seen = readable(text)
    return any(words in seen for words in (JOB_ID, told.notice_id, "has failed", "Fine-tuning job"))


def readable(text: str) -> str:
    """As a person sees it: entities and escapes resolved."""
    return re.sub(r"\\(.)", r"\1", html.unescape(text)).replace("\xa0", " ").replace("\u200b", "").replace("\r", "")


@pytest.fixture
def everywhere(parrot: servers.Parrot) -> Everywhere:
    return Everywhere(parrot)


@pytest.mark.parametrize("title", TITLES, ids=["mentions", "markup"])
def test_nothing_that_strangers_write_works_anywhere(everywhere: Everywhere, title: str) -> None:
    got = everywhere.send(message(title, HARMFUL))
    # Around it stand the owner's own target, at Mastodon, and at IRC signs for bold and colour.
    own = re.compile("@s3[0-9A-F]+|[\x02\x03\x0f]")
    texts = {schema: [own.sub("", text) for text in found] for schema, found in got.items()}
    works = {schema: [each for text in found for each in strangers.works(text)][:3] for schema, found in texts.items()}
    assert {schema: found for schema, found in works.items() if found} == {}
    assert len(got) > 135


def test_what_arrives_fits_and_says_what_happened_and_which_notice_it_is(everywhere: Everywhere) -> None:
    """Of a job with an id and a reason that are long, and grow when they are escaped."""
    text = "<&\"'>\\`*_[]" * 100_000
    told = message(text, [text] * 3, "<&>" + "x_" * 100)
    opening, mark = (readable(line) for line in told.body.splitlines()[:2])
    wrong = {}
    for schema, texts in everywhere.send(told).items():
        # Some put their own around it, and count it or do not.
        limit = everywhere.plugin(schema).body_maxlen + len(told.title) + 30
        bodies = [text for text in texts if mark in readable(text)]
        if not bodies:
            wrong[schema] = f"no notice id: {texts[0][:100]}"
        elif not any(opening[:20] in readable(text) and opening[-11:] in readable(text) for text in bodies):
            wrong[schema] = f"no opening: {bodies[0][:100]}"
        elif limit < NotifyBase.body_maxlen and any(len(text) > limit for text in bodies):
            wrong[schema] = f"{max(map(len, bodies))} > {limit}"
    assert wrong == {}


def _as_shown(part: email.message.Message) -> str:
    content = str(part.get_payload(decode=True), "utf-8")  # type: ignore[arg-type]
    if part.get_content_subtype() != "html":
        return content
    page = strangers.Page(content)
    assert page.elements <= LAYOUT
    assert not {name for name in page.attributes if name.startswith("on") or name in ("src", "href")}
    return page.text


@pytest.mark.parametrize("form", ["", "&format=html", "&format=markdown"])
@pytest.mark.parametrize("title", TITLES, ids=["mentions", "markup"])
def test_a_mail_has_the_headers_and_recipients_that_we_gave_it(mailbox: servers.Mailbox, form: str, title: str) -> None:
    told = message(title, HARMFUL)
    notifier = AppriseNotifier()
    notifier.send(notifier.add(builders.channel("mail"), [mailbox.url(more=form)])[0].key, told)
    ((recipients, mail),) = mailbox.mails
    assert recipients == ["you@example.com"]
    assert mail["To"] == "you@example.com"
    assert (mail["Bcc"], mail["Cc"], mail["Subject"]) == (None, None, told.title)
    assert mail.defects == []
    parts = [_as_shown(part) for part in mail.walk() if part.get_content_maintype() == "text"]
    assert [each for part in parts for each in strangers.works(part)] == []
    assert all(readable(told.body.splitlines()[0]) in readable(part) for part in parts)


def test_even_a_title_of_several_lines_forges_no_header(mailbox: servers.Mailbox) -> None:
    """Nobody makes such a title; should somebody some day, no mail goes elsewhere."""
    told = dataclasses.replace(message("x", ["x"] * 3), title="a\r\nBcc: all@evil.example\r\n\r\nforged")
    notifier = AppriseNotifier()
    with contextlib.suppress(errors.Transient):
        notifier.send(notifier.add(builders.channel("mail"), [mailbox.url()])[0].key, told)
    for recipients, mail in mailbox.mails:
        assert recipients == ["you@example.com"]
        assert mail["Bcc"] is None
