"""Strangers' text made harmless, and values as text: for people, and for the database."""

import json
import math
import re
import unicodedata
from datetime import datetime, timedelta, tzinfo
from typing import Any

# Stands behind a sign that would begin something: nobody sees it, and no service reads over it.
_BREAK = "\u200b"
# What begins a mention, a link with a hidden target, a tag or an entity, at any service that we know of:
_SIGNS = re.compile(
    r"""
    [@＠](?=everyone|here|channel|room|all\b)   # also inside a word
    | (?<![^\W_])[@＠](?=\S)                    # @alice, but not x@y.z
    | [@＠](?=[^\s\w]|_)                        # @**all**, @"A Name", @{group}
    | <(?=[!@#/?:&\w])                          # <!channel>, <@U1>, <users/all>, <https://…|text>, <script>
    | (?<![\w./])/?u/(?=\w)                     # u/alice
    | \[(?=~)                                   # [~alice]
    | \](?=\()                                  # [text](target)
    | \|(?=\w+:)                                # [text|target]
    | &(?=\#?\w{1,32};)                         # &lt;
    """,
    re.IGNORECASE | re.VERBOSE,
)
# What begins something in Markdown; an underscore does not between letters.
_MARKUP = re.compile(r"[\\`*~|<>\[\]]|(?<![^\W_])_|_(?![^\W_])")
_JOINERS = "\u200c\u200d"  # format characters that some scripts and emoji cannot be written without
_NOTHING = "\u00ad\u200b\u2060\ufeff"  # format characters without any look
# Letters and symbols that look like nothing at all.
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
_NOT_ASCII = re.compile(r"[^ -~\n]")
# What begins a formula in a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t")
# Marks on one letter; more is a tower that covers the lines around.
_MOST_MARKS = 4


def text(value: object, limit: int = 500) -> str:
    """`value` as `line` gives it, and unable to mention people, to hide a link's target or to be taken for markup.

    For whatever may be shown by a chat service, a browser or a mail program. It reads as before.
    """
    return _cut(_SIGNS.sub(rf"\g<0>{_BREAK}", line(value, limit)), limit)


def markdown(harmless: str) -> str:
    """What `text` gave, so that it reads the same in Markdown. Not for the inside of a code span."""
    return _MARKUP.sub(r"\\\g<0>", harmless)


def line(value: object, limit: int = 500) -> str:
    """`value` on one line of at most `limit` characters, unable to steer a terminal.

    Job names, metadata and error messages come from outside. Control and format characters (line breaks,
    escapes, right-to-left overrides) become spaces.
    """
    # Cut before cleaning: a megabyte of error message need not be cleaned to be thrown away.
    given = str(value)[: limit * 4]
    cleaned = given if given.isascii() and given.isprintable() else _cleaned(given)
    return _cut(" ".join(cleaned.split()), limit)


def lines(value: object, limit: int = 4000) -> str:
    """The same for what has lines of its own, such as a traceback: they and their indentation stay."""
    given = str(value).splitlines()
    return "\n".join(" " * (len(each) - len(each.lstrip(" "))) + line(each, limit) for each in given)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _cleaned(given: str) -> str:
    kept = ""
    marks = 0
    for char in given:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if char in _JOINERS or marks:
            # They belong to the character before them.
            kept += char if kept[-1:].strip(" " + _JOINERS) and marks <= _MOST_MARKS else ""
        elif char not in _NOTHING:
            kept += " " if _is_unseen(char, category) else char
    return kept


def _is_unseen(char: str, category: str) -> bool:
    # Every plane ends in two codes that are no characters; XML may not hold them.
    return category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or char in _BLANKS or ord(char) & 0xFFFE == 0xFFFE


def cell(value: object) -> object:
    """`value` for a cell of a CSV file: text that a spreadsheet would take for a formula begins with an apostrophe.

    Lists and objects become JSON; characters that could steer a terminal become a replacement character.
    """
    if isinstance(value, dict | list):
        value = _standard_json(value, sort_keys=True, separators=(",", ":"))
    if not isinstance(value, str):
        return value
    kept = (
        value
        if value.isprintable()
        else "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in value)
    )
    return f"'{kept}" if kept.startswith(_FORMULA) else kept


def duration(length: timedelta | None) -> str:
    """The two largest units that matter: `41 min 5 s`, `3 h 20 min`, `2 d 4 h`; a dash for None."""
    if length is None:
        return "–"
    seconds = max(0, round(length.total_seconds()))
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    for place, (name, size) in enumerate(units):
        count, rest = divmod(seconds, size)
        if not count and size > 1:
            continue
        if size == 1:
            return f"{count} s"
        lower_name, lower_size = units[place + 1]
        lower = rest // lower_size
        return f"{count} {name} {lower} {lower_name}" if lower else f"{count} {name}"
    raise AssertionError("the last unit always returns")


def moment(when: datetime | None, zone: tzinfo) -> str:
    """A time in the owner's zone, with the zone's name; a dash for None."""
    return when.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z") if when else "–"


def count(number: int, noun: str) -> str:
    """`1 notice`, `2 notices`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def megabytes(size: int) -> str:
    """A number of bytes: `1,264 MB`, `0.2 MB`."""
    return f"{size / 1e6:,.{0 if size >= 10e6 else 1}f} MB"


def json_text(value: object) -> str:
    """JSON with sorted keys and without spaces: equal values are equal texts."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def printable_json(value: Any, *, indent: int | None = None) -> str:
    """JSON for terminals and logs: what cannot be seen is written as an escape, so it cannot do anything either.

    Numbers that JSON cannot write, infinities and NaN, become null.
    """
    text = _standard_json(value, indent=indent)
    return _NOT_ASCII.sub(lambda char: char[0] if char[0].isprintable() else json.dumps(char[0])[1:-1], text)


def _standard_json(value: Any, **form: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, **form)
    except ValueError:
        # They are rare, and to look for them takes longer than to write.
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, **form)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
