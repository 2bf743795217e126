import json
import math
import time
import unicodedata
import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import plain
from tests.notifier import strangers

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
    """Of the format characters only joiners stay."""
    left = {unicodedata.category(char) for char in plain.line(value) if char not in "\u200c\u200d"}
    assert not left & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert plain.text(value).replace("\u200b", "") in (plain.line(value), plain.text(value))


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
        ("\ufffenone\uffff", "none"),
        ("zero\u200bwidth\u2060less\ufeff soft\u00adly", "zerowidthless softly"),
        ("\u3164blank\u2800", "blank"),
        # A joiner and a mark belong to what stands before them.
        (" \u200d \u0301a\u0301", "a\u0301"),
        ("a" + "\u0301" * 9, "a" + "\u0301" * 4),
        ("❤\ufe0f", "❤\ufe0f"),
        ("\ue000private", "private"),
        # A joiner holds an emoji of several people together.
        ("👩\u200d💻", "👩\u200d💻"),
        (12, "12"),
        ("", ""),
    ],
)
def test_what_is_kept_and_what_is_not(value: object, line: str) -> None:
    assert plain.line(value) == plain.text(value) == line


HARMFUL = (*strangers.MENTIONS, *strangers.LINKS, *strangers.MARKUP, *strangers.STEERING)


@pytest.mark.parametrize("value", HARMFUL)
def test_nobody_is_mentioned_and_no_link_hides_where_it_leads(value: str) -> None:
    for around in ("{}", "a {} b", "a{}b", "({})"):
        assert strangers.works(plain.text(around.format(value))) == []


@pytest.mark.parametrize("value", HARMFUL)
def test_it_reads_as_before(value: str) -> None:
    assert plain.text(value).replace("\u200b", "") == plain.line(value)


@given(st.lists(st.sampled_from([*HARMFUL, "@", "<", "]", "(", "here", " ", "\u200b", "\u200d", "|", "&", "\x00"])))
def test_no_mixture_works_either(pieces: list[str]) -> None:
    """What is taken out of the middle must not leave a mention behind."""
    assert strangers.works(plain.text("".join(pieces), 5000)) == []


@given(ANY_TEXT, st.integers(1, 80))
def test_what_was_made_harmless_once_stays_as_it_is(value: str, limit: int) -> None:
    once = plain.text(value, limit)
    assert plain.text(once, limit) == once


@pytest.mark.parametrize(
    "value", ["me@allen.example", "a@b.example", "a.b+c@d-e.example", "5 < 6 !", "a < b > c", "n_epochs=3", "R&D & me",
              "<|endoftext|>", "[1] (2)", "https://example.com/u/7?a=b&c=d", "a | b", "x[0]"],
)  # fmt: skip
def test_other_uses_of_the_signs_stay(value: str) -> None:
    assert plain.text(value) == value


@pytest.mark.parametrize("value", ["n_epochs=3 <pad>", "see @alice", "a[0](1)"])
def test_what_might_work_elsewhere_looks_the_same(value: str) -> None:
    assert plain.text(value) != value
    assert plain.text(value).replace("\u200b", "") == value


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    assert plain.text("abcdefgh", 8) == "abcdefgh"
    assert plain.text("abcdefghi", 8) == "abcdefg…"


def test_a_megabyte_is_cut_before_it_is_cleaned() -> None:
    huge = "\u202e@everyone " * 1_000_000
    started = time.process_time()
    assert len(plain.text(huge)) <= 500
    assert len(plain.line("Z\u0351" * 1_000_000)) <= 500
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


@given(st.recursive(ANY_TEXT, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner)))
def test_printable_json_is_the_same_json_and_does_nothing_to_a_terminal(value: object) -> None:
    text = plain.printable_json(value, indent=2)
    assert json.loads(text) == value
    assert text.replace("\n", "").isprintable()


def test_printable_json_leaves_what_can_be_seen() -> None:
    assert plain.printable_json({"a": "東京 🎉 \x1b\x9b"}) == '{"a": "東京 🎉 \\u001b\\u009b"}'


def test_numbers_that_json_has_not_are_nothing() -> None:
    value = {"loss": math.inf, "all": [1.5, -math.inf, (math.nan,)]}
    assert plain.printable_json(value) == '{"loss": null, "all": [1.5, null, [null]]}'
    assert plain.cell(value) == '{"all":[1.5,null,[null]],"loss":null}'
    assert plain.cell(math.inf) == math.inf, "in CSV a number stays what it is"


def test_sizes_are_said_in_megabytes() -> None:
    assert [plain.megabytes(size) for size in (0, 184_320, 9_940_000, 1_263_984_640)] == [
        "0.0 MB", "0.2 MB", "9.9 MB", "1,264 MB",
    ]  # fmt: skip


def test_a_cell_of_json_cannot_steer_a_terminal() -> None:
    assert plain.cell({"a": "\x9b2J"}) == '{"a":"\ufffd2J"}'
    assert plain.cell(["=1+1"]) == '["=1+1"]'
    assert plain.cell("=1+1") == "'=1+1"
    assert plain.cell(-1.5) == -1.5
