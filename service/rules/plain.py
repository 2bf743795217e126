"""Strangers' text made harmless, and values as text: for people, and for the database."""

import json
import re
import unicodedata
from datetime import datetime, timedelta, tzinfo

_MENTION = re.compile(r"@(?=everyone|here|channel|room|all\b)", re.IGNORECASE)
_KEPT_FORMATS = "\u200c\u200d"  # joiners that some scripts cannot be written without


def text(value: object, limit: int = 500) -> str:
    """`value` on one line of at most `limit` characters, unable to mention people or to steer a terminal.

    Job names, metadata and error messages come from outside. Control and format characters (line breaks,
    escapes, right-to-left overrides) become spaces, and mentions of everybody are broken up.
    """
    # Cut before cleaning: a megabyte of error message need not be cleaned to be thrown away.
    cleaned = "".join(_visible(char) for char in str(value)[: limit * 4])
    line = " ".join(cleaned.split())
    line = _MENTION.sub("@\u200b", line).replace("<!", "<\u200b!")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _visible(char: str) -> str:
    if char in _KEPT_FORMATS:
        return char
    return " " if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else char


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


def json_text(value: object) -> str:
    """JSON with sorted keys and without spaces: equal values are equal texts."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
