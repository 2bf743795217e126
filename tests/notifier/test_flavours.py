"""What each service gets, to the letter.

The files in `golden/` hold it, to be read in a review. After a change that is meant, write them anew:
`GOLDEN=write pytest tests/notifier/test_flavours.py`.
"""

import dataclasses
import email
import email.policy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from apprise import NotifyFormat

from service import model
from service.notifier import destinations, fitting, flavours
from service.notifier.notifier import AppriseNotifier
from tests import builders
from tests.notifier import messages, servers

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

GOLDEN = Path(__file__).parent / "golden"
# Those that are somebody's own server are at the parrot's port; of the others it is the proxy.
SERVICES = {
    "slack": "slack://xoxb-1234-1234-4ddbc191d40ee098cbaae6f3523ada2d/#ops",
    "discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "telegram": "tgram://123456789:AAAAEhqr-part_abcdefghijklmnopqrstu/12315544/",
    "teams": "workflows://prod.example:443/WorkflowIDABCDEF0123/SignatureABC_DEF-0123456/",
    "ntfy": "ntfy://127.0.0.1:{port}/jobs",
    "matrix": "matrix://me:pass@127.0.0.1:{port}/!room:home",
    "mattermost": "mmost://127.0.0.1:{port}/3ccdd113474722377935511fc85d3dd4?mode=bot&to=abcdefghijklmnopqrstuvwxyz",
}
# What is another at every run.
_CHANGES = ("ts",)


def plugin(url: str) -> Any:
    return destinations.targets("chat", url)[0].plugin


def requests(bird: servers.Parrot, url: str, message: model.Message) -> list[servers.Request]:
    notifier = AppriseNotifier()
    (destination,) = notifier.add(builders.channel("chat"), [url.format(port=bird.port)])
    bird.tame(notifier._targets[destination.key].plugin)
    notifier.send(destination.key, message)
    # Matrix logs out when the plugin is thrown away.
    return [request for request in bird.requests if not request.path.endswith("/logout")]


def readable(request: servers.Request) -> Iterator[str]:
    """A request with one field a line; longer texts as they stand, with what cannot be seen made visible."""
    address = urlsplit(request.path)
    yield f"{request.method} {address.path}"
    yield from fields(dict(parse_qsl(address.query)), "?")
    kind = dict(request.headers).get("Content-Type", "")
    if kind.startswith("multipart/"):
        whole = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.body)
        yield from (f"part {part['Content-Disposition']}" for part in whole.walk() if not part.is_multipart())
    elif messages.PNG in request.body:
        yield f"{len(request.body)} octets of PNG"
    elif kind.startswith("application/json"):
        yield from fields(json.loads(request.body), "")
    yield ""


def fields(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in _CHANGES:
                yield from fields(each, f"{name}.{key}".lstrip("."))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from fields(each, f"{name}[{place}]")
    elif isinstance(value, str) and "\n" in value:
        yield f"{name}:"
        yield from (f"    {visible(line)}".rstrip() for line in value.splitlines())
    else:
        yield f"{name} = {visible(json.dumps(value, ensure_ascii=False))}"


def visible(line: str) -> str:
    kept = line.rstrip(" ")
    return kept.replace("\u200b", "{ZWSP}") + "␠" * (len(line) - len(kept))


def compare(name: str, text: str) -> None:
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_gets_the_notice_in_its_own_flavour(parrot: servers.Parrot, name: str) -> None:
    sent = requests(parrot, SERVICES[name], messages.WITH_CURVE)
    compare(name, "\n".join(line for request in sent for line in readable(request)))


def test_a_mail_is_what_it_should_be(mailbox: servers.Mailbox) -> None:
    notifier = AppriseNotifier()
    notifier.send(notifier.add(builders.channel("mail"), [mailbox.url()])[0].key, messages.WITH_CURVE)
    lines = []
    for depth, part in nested(mailbox.mails[0][1]):
        shown = {name: value for name, value in part.items() if name not in ("Date",)}
        lines += [f"{'    ' * depth}{name}: {value.partition('; boundary=')[0]}" for name, value in shown.items()]
        if part.get_content_maintype() == "text":
            lines += [f"{'    ' * depth}| {visible(line)}" for line in part.get_content().splitlines()]
        lines.append("")
    compare("mail", "\n".join(lines))


def nested(part: email.message.MIMEPart, depth: int = 0) -> Iterator[tuple[int, Any]]:
    yield depth, part
    for each in part.iter_parts():
        yield from nested(each, depth + 1)


@pytest.mark.parametrize("name", SERVICES)
def test_the_title_stands_there_once_with_its_symbol(parrot: servers.Parrot, name: str) -> None:
    sent = requests(parrot, SERVICES[name], messages.SUCCEEDED)
    (told,) = [request for request in sent if "tw-9k2m4p" in "\n".join(readable(request))]
    texts = [line for line in readable(told) if "✅" in line]
    # Matrix says everything twice, for programs with and without HTML.
    assert len(texts) == (2 if name == "matrix" else 1)


class TestForm:
    def form(self, url: str, message: model.Message = messages.SUCCEEDED) -> flavours.Form:
        return fitting.fitted(message, plugin(url))

    @pytest.mark.parametrize(
        ("url", "spoken"),
        [
            ("json://hook.example", NotifyFormat.TEXT),
            ("form://hook.example", NotifyFormat.TEXT),
            ("ntfy://ntfy.example/topic", NotifyFormat.TEXT),
            ("ntfy://ntfy.example/topic?format=markdown", NotifyFormat.MARKDOWN),
            ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", NotifyFormat.MARKDOWN),
            ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?format=text", NotifyFormat.TEXT),
            ("tgram://123456789:AAAAEhqr-part_abcdefghijklmnopqrstu/1/", NotifyFormat.HTML),
            ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops?format=text", NotifyFormat.TEXT),
            (f"mailgun://me@example.com/{'a' * 32}-{'b' * 8}-{'c' * 8}/you@example.com", NotifyFormat.HTML),
        ],
    )  # fmt: skip
    def test_a_service_gets_what_it_shows_or_what_its_url_asks_for(self, url: str, spoken: NotifyFormat) -> None:
        assert self.form(url).format is spoken

    @pytest.mark.parametrize("url", SERVICES.values(), ids=SERVICES)
    def test_a_message_without_markup_goes_as_text(self, url: str) -> None:
        told = dataclasses.replace(messages.SUCCEEDED, markdown=None)
        form = self.form(url.format(port=1), told)
        assert (form.title, form.body, form.format) == (told.title, told.body, NotifyFormat.TEXT)

    def test_of_what_is_too_long_whole_rows_go_from_the_end(self) -> None:
        rows = "".join(f"**Row {number}:** `{'x' * 40}`  \n" for number in range(100))
        told = dataclasses.replace(messages.SUCCEEDED, markdown=f"Opening \\*x\\*  \nNotice tw-1\n\n{rows}")
        form = self.form(SERVICES["discord"], told)
        opening, mark, _, *kept, gap, dots = form.body.split("\n")
        assert (opening, mark, gap, dots) == ("Opening \\*x\\*  ", "Notice tw-1", "", "…")
        assert kept == rows.split("\n")[: len(kept)]
        assert 1900 < len(form.body) + len(form.title) < 2000

    def test_where_the_first_two_lines_are_all_that_fits_they_go_without_markup(self) -> None:
        told = dataclasses.replace(messages.SUCCEEDED, markdown=f"{'`x` ' * 600}  \nNotice tw-1\n\nrow")
        assert self.form(SERVICES["discord"], told).format is NotifyFormat.TEXT

    @pytest.mark.parametrize(
        "url",
        [
            "rocket://me:pass@chat.example/#jobs",
            "gchat://workspace/key/token",
            f"whapi://{'a' * 32}/15551234567/15551234568",
            "simplepush://HuxgkU",
        ],
    )
    def test_a_service_that_shows_backslashes_gets_none(self, url: str) -> None:
        """But for the one that is meant."""
        form = self.form(url)
        arrives = plugin(url).dialect_convert(form.body, form.format)
        assert "owner ∗ann∗" in arrives
        assert arrives.replace("C:\\data", "").count("\\") == 0

    @pytest.mark.parametrize("letter", ["x", "訓", "ж", "🌧", '"'])
    @pytest.mark.parametrize("format_", ["text", "markdown"])
    def test_a_text_does_not_become_a_file(self, parrot: servers.Parrot, letter: str, format_: str) -> None:
        """As it would at ntfy, with nothing of it on the screen of a phone."""
        rows = "\n".join(f"{letter * 40}  " for _ in range(1000))
        text = f"Opening.  \nNotice tw-1\n\n{rows}"
        told = dataclasses.replace(messages.SUCCEEDED, body=text, markdown=text)
        (request,) = requests(parrot, f"{SERVICES['ntfy']}?format={format_}", told)
        payload = json.loads(request.body)
        assert payload["title"] == told.title
        assert payload["message"].startswith("Opening.  \nNotice tw-1\n")
        assert 1000 < len(payload["message"].encode()) < 4096

    def test_an_owner_who_wants_several_messages_gets_all_of_it(self) -> None:
        told = dataclasses.replace(messages.SUCCEEDED, markdown="Opening  \nNotice tw-1\n\n" + "row  \n" * 1000)
        assert self.form(f"{SERVICES['discord']}?overflow=split", told).body == told.markdown


@pytest.mark.parametrize(
    ("url", "room"),
    [
        ("json://hook.example", 32768),
        ("ntfy://ntfy.example/topic", 1016),
        (SERVICES["discord"], 1850),
        (SERVICES["telegram"], 3946),
        (SERVICES["teams"], 1000),
        ("bulksms://s3cret:pass@15551234567", 80),
    ],
)
def test_a_text_has_the_room_that_the_service_and_the_title_leave(url: str, room: int) -> None:
    notifier = AppriseNotifier()
    assert notifier.room(notifier.add(builders.channel("chat"), [url])[0].key) == room
