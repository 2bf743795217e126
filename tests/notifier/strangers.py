"""What somebody else might call a job, and how to see whether any of it works."""

import html
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.notifier import servers

MENTIONS = (
    "@everyone", "@here", "@channel", "@room", "@all", "@All", "x@everyone", "@alice", "＠alice", "(@alice)", ".@alice",
    "_@alice_", "@alice@home.example", "<!channel>", "<!here>", "<!everyone>", "<!subteam^S1>", "<@U123>", "<@U1|me>",
    "<#C123>", "<@123>", "<@!123>", "<@&456>", "<#789>", "</go:1>", "<id:guide>", "<users/all>", "<at>alice</at>",
    '<at user_id="all">x</at>', "<at id=all></at>", "@**all**", "@_**alice|12**", "@*group*", '@"A Name"', "@{group}",
    "{@participants}", "[~alice]", "[~accountid:12]", "u/alice", "/u/alice", "<@all>", "<@personEmail:a@b.example>",
    '<spark-mention data-object-type="groupMention">All</spark-mention>', "&lt;!channel&gt;", "&#60;!channel&#62;",
    "@\u200beveryone", "@\u2060here", "<\u200b!channel>", "@\x00all", "<\ufeff@U123>", "@\u00adchannel",
)  # fmt: skip
LINKS = (
    "[click](https://evil.example)", "![seen](https://evil.example/p.png)", "[a](javascript:alert(1))",
    "[a]\u200b(https://evil.example)", "<https://evil.example|click>", "[click|https://evil.example]",
    '<a href="https://evil.example">click</a>', "<img src=https://evil.example/p.png>", "<mailto:a@b.example|click>",
)  # fmt: skip
MARKUP = (
    "<script>alert(1)</script>", "<b>bold</b>", "&lt;script&gt;", "<!-- gone", "<style>*{display:none}</style>",
    "# heading", "```", "| a | b |", "***", "||gone||", "~~gone~~", "> quoted", "$(id)", "{{7*7}}", "%s%n", "\\\\", '"',
)  # fmt: skip
STEERING = (
    "one\r\nBcc: all@evil.example\r\n\r\nbody", "a\nSubject: forged", "a\rb", "a\u2028b\u2029c\x85d\x0be\x0cf",
    "\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07", "\x9b2J", "\x9d0;title\x9c", "a\x08\x08b\x7f", "nul\x00", "\u202egpj.exe\u202c",
    "\u2066isolated", "\u200fmarked", "half \ud83d of a pair", "\udc00\ud800", "\ufffe\uffff",
    "tag\U000e0041\U000e007f",
)  # fmt: skip
SIZES = (
    "z" * 5000, "word " * 5000, "東京" * 2000, "\U0001f469\u200d\U0001f4bb" * 500, "Z" + "\u0351\u0363\u036b" * 700,
    "\u200b" * 3000 + "end", "\u3164\u2800", "\u200d", "<&\"'>" * 1000, "\\`*_[]()" * 800, "a" * 1_000_000,
)  # fmt: skip
EVERYTHING = (*MENTIONS, *LINKS, *MARKUP, *STEERING, *SIZES)

# What works, somewhere, as soon as it stands in a text.
_LIVE = re.compile(
    r"""
    [@＠](?=everyone|here|channel|room|all\b) | (?<![a-z0-9])[@＠]\w | [@＠][*_"{]
    | <(?=[!@\#]|/go|id:|/?at\b|/?users/|/?script|/?style|/?img|/?a\b|/?spark|https?:|mailto:)
    | \[~ | (?<![\w./])/?u/\w | \]\( | \|https?: | ^(?:Bcc|Subject):
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_STEERS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def works(text: str) -> list[str]:
    """What in a text that a service got would mention, link, mark up or steer, however often it is unescaped."""
    found = []
    for reading in (text, html.unescape(text), re.sub(r"\\(.)", r"\1", text)):
        found += [reading[max(0, match.start() - 10) : match.end() + 10] for match in _LIVE.finditer(reading)]
        found += [repr(char) for char in _STEERS.findall(reading)]
    return found


class Page(HTMLParser):
    """What a mail program makes of HTML: the text that it shows, and the elements and addresses that it obeys."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self._shown: list[str] = []
        self._hidden = False
        self.feed(source)

    @property
    def text(self) -> str:
        return "".join(self._shown)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._hidden = tag == "style"

    def handle_endtag(self, _tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._shown.append(data)


def texts(request: servers.Request) -> Iterator[str]:
    """Every text in a request, decoded."""
    body = request.body.decode()
    try:
        yield from _strings(json.loads(body))
    except ValueError:
        yield from _fields(body) if not body.startswith("<") else [body]
    yield from _fields(urlsplit(request.path).query)


def _fields(form: str) -> Iterator[str]:
    for _, value in parse_qsl(form):
        # Some put JSON into a form.
        yield from _strings(json.loads(value)) if value.startswith("{") else [value]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)
