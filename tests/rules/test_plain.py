import time
import unicodedata
import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import plain

# Surrogates too: JSON can hold one half of a pair.
ANY_TEXT = st.text(st.characters())


@given(ANY_TEXT, st.integers(1, 80))
def test_any_text_becomes_one_line_within_the_limit(value: str, limit: int) -> None:
    line = plain.text(value, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert line == line.strip()


@given(ANY_TEXT)
def test_nothing_is_left_that_steers_a_terminal_or_the_direction_of_writing(value: str) -> None:
    """Of the format characters only joiners stay, and our own break in a mention."""
    left = [char for char in plain.text(value) if char not in "\u200b\u200c\u200d"]
    assert not {unicodedata.category(char) for char in left} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@given(ANY_TEXT)
def test_what_was_made_harmless_can_be_encoded(value: str) -> None:
    plain.text(value).encode()


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("loss 0.12 – très bien, 東京 🎉", "loss 0.12 – très bien, 東京 🎉"),
        ("  one\n\ttwo\r\nthree  ", "one two three"),
        ("one\x0btwo\x0cthree\x85four\u2028five\u2029six", "one two three four five six"),
        ("\x1b[31mred\x1b[0m\x07", "[31mred [0m"),
        ("nul\x00byte", "nul byte"),
        ("gpj.\u202eexe\u202c and \u2066more\u2069", "gpj. exe and more"),
        ("half\ud83d", "half"),
        ("\ue000private", "private"),
        # A joiner holds an emoji of several people together.
        ("👩\u200d💻", "👩\u200d💻"),
        (12, "12"),
        ("", ""),
    ],
)
def test_what_is_kept_and_what_is_not(value: object, line: str) -> None:
    assert plain.text(value) == line


@pytest.mark.parametrize(
    "value",
    ["@everyone", "@here", "hi @channel!", "@room", "@all", "@EveryOne", "<!channel>", "<!subteam^S1>", "a@all b"],
)
def test_nobody_is_mentioned(value: str) -> None:
    line = plain.text(value)
    assert line.replace("\u200b", "") == value
    assert not any(word in line.lower() for word in ("@everyone", "@here", "@channel", "@room", "@all", "<!"))


def test_a_mention_put_together_from_two_halves_is_broken_up_too() -> None:
    """What is taken out of the middle must not leave a mention behind."""
    assert "@everyone" not in plain.text("@\u200beveryone @\x00everyone @\u2060everyone")


@pytest.mark.parametrize("value", ["me@allen.example", "a@b.example", "@alice", "5 < 6 !"])
def test_other_uses_of_the_signs_stay(value: str) -> None:
    assert plain.text(value) == value


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    assert plain.text("abcdefgh", 8) == "abcdefgh"
    assert plain.text("abcdefghi", 8) == "abcdefg…"


def test_a_megabyte_is_cut_before_it_is_cleaned() -> None:
    huge = "\u202e@everyone " * 1_000_000
    started = time.process_time()
    assert len(plain.text(huge)) <= 500
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (-5, "0 s"),
        (0, "0 s"),
        (0.4, "0 s"),
        (59, "59 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (2465, "41 min 5 s"),
        (3600, "1 h"),
        (3659, "1 h"),
        (12_000, "3 h 20 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d"),
        (86_400 + 3599, "1 d"),
        (187_200, "2 d 4 h"),
        (40_000_000, "462 d 23 h"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float | None, shown: str) -> None:
    assert plain.duration(None if seconds is None else timedelta(seconds=seconds)) == shown


def test_a_moment_is_told_in_the_owners_zone() -> None:
    when = datetime(2026, 7, 1, 22, 30, 5, tzinfo=UTC)
    assert plain.moment(when, zoneinfo.ZoneInfo("Europe/Berlin")) == "2026-07-02 00:30:05 CEST"
    assert plain.moment(when, UTC) == "2026-07-01 22:30:05 UTC"
    assert plain.moment(None, UTC) == "–"
