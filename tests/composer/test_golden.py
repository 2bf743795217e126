"""Every kind, in every language and form, as it goes out: the files beside are for reading in a review.

After a wanted change: `GOLDEN=write make test ARGS=tests/composer/test_golden.py`, then read the difference.
"""

import json
import os
from pathlib import Path

import pytest

from service import model
from service.composer import examples, habits
from service.rules import cost
from tests import builders
from tests.composer.saying import composer

GOLDEN = Path(__file__).parent / "golden"
PRICES = {"gpt-4.1-mini*": cost.Price(per_million_tokens=5.0, per_hour=None)}
KINDS = [*map(str, model.Kind), "group"]


def _message(kind: str, language: str) -> model.Message:
    together = [notice for notice in examples.all_kinds() if kind in ("group", notice.kind)]
    course = examples.course() if kind == model.Kind.SUCCEEDED else None
    return composer(prices=PRICES, draw=lambda _course, _title: b"png").compose(
        together, builders.destination(language=language), course
    )


def _forms(message: model.Message) -> dict[str, str]:
    told = json.dumps(message.data, ensure_ascii=False, indent=1, sort_keys=True)
    return {
        "txt": f"{message.title}\n\n{message.body}\n",
        "md": f"{message.title}\n\n{message.markdown}\n",
        "html": f"{message.html}\n",
        "json": f"{told}\n",
    }


@pytest.mark.parametrize("language", habits.LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_out_is_what_was_reviewed(kind: str, language: str) -> None:
    for form, text in _forms(_message(kind, language)).items():
        if form == "json" and language != "en":
            continue  # machines speak one language
        # Nobody sees the breaks in strangers' text, nor could review them.
        seen = text.replace("\u200b", "")
        path = GOLDEN / language / f"{kind}.{form}"
        if os.environ.get("GOLDEN") == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(seen, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == seen, f"{path.name} differs"


def test_no_golden_file_is_left_over() -> None:
    wanted = {f"{kind}.{form}" for kind in KINDS for form in ("txt", "md", "html", "json")}
    assert {path.name for path in GOLDEN.rglob("*.*")} == wanted


def test_the_languages_have_the_same_templates() -> None:
    built_in = Path(habits.__file__).parent / "templates"
    names = [{path.name for path in (built_in / language).iterdir()} for language in habits.LANGUAGES]
    assert all(each == names[0] for each in names)


def test_no_japanese_notice_is_left_in_english() -> None:
    """The rows' labels and the sentences are words of ours; they hold a letter that is no Latin one."""
    for notice in examples.all_kinds():
        message = composer().compose([notice], builders.destination(language="ja"))
        sentences = [message.title, message.body.split("\n")[0]]
        labels = [line.partition(":")[0] for line in message.body.split("\n\n")[1].splitlines()]
        for text in [*sentences, *labels]:
            assert any("\u3040" <= letter <= "\u9fff" for letter in text), text
