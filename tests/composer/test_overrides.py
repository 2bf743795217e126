"""An owner's own templates: they stand in for ours, and never for silence."""

import logging
from pathlib import Path

import pytest

from service import model
from service.composer import examples
from service.rules import notices
from tests import builders
from tests.composer.saying import composer

OURS = "✅ support-bot has succeeded"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def _told(folder: Path, kind: model.Kind = model.Kind.SUCCEEDED, language: str = "en") -> model.Message:
    return composer(overrides=folder).compose([examples.notice(kind)], builders.destination(language=language))


def test_the_owners_words_go_out_in_every_form(folder: Path) -> None:
    (folder / "succeeded.jinja").write_text(
        'Hooray, {{ name }}!\nWell done.\n{{ row("Model", fine_tuned_model) }}\nBye'
    )
    message = _told(folder)
    assert message.title == "Hooray, support-bot!"
    assert message.body.splitlines()[0] == "Well done."
    assert message.body.splitlines()[-2:] == [
        f"Model: {examples.notice(model.Kind.SUCCEEDED).facts['fine_tuned_model']}",
        "Bye",
    ]
    assert message.html is not None
    assert "Hooray, support-bot!" in message.html
    assert "Notice tw-" in message.body, "what makes repeats recognisable is not the owner's to forget"


def test_other_kinds_stay_as_they_are(folder: Path) -> None:
    (folder / "failed.jinja").write_text("a\nb")
    assert _told(folder).title == OURS


def test_a_language_may_have_its_own(folder: Path) -> None:
    (folder / "ja").mkdir()
    (folder / "ja" / "succeeded.jinja").write_text("やった\n終わりました")
    assert _told(folder, language="ja").title == "やった"
    assert _told(folder).title == OURS


def test_what_the_templates_share_can_be_replaced_alone(folder: Path) -> None:
    built_in = (Path(examples.__file__).parent / "templates" / "en" / "words.jinja").read_text()
    (folder / "words.jinja").write_text(built_in.replace('row("Base model"', 'row("Made from"'))
    message = _told(folder)
    assert message.title == OURS
    assert "Made from: gpt-4.1-mini" in message.body
    assert composer(overrides=folder).faults() == []


BROKEN = {
    "a syntax error": "{{ name",
    "an unknown name": "{{ nmae }}\nb",
    "a division by zero": "{{ 1 // 0 }}\nb",
    "a way out of the sandbox": "{{ name.__class__.__mro__ }}\nb",
    "a loop without an end": "{% for n in range(10**9) %}{{ n }}{% endfor %}",
    "nothing": "",
    "a title alone": "title",
    "a missing part": '{% include "nowhere.jinja" %}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_one_is_refused_at_check_and_stood_in_for_at_run_time(
    folder: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    (folder / "succeeded.jinja").write_text(text)
    [(file, reason)] = composer(overrides=folder).faults()
    assert file.startswith("succeeded.jinja")
    assert reason
    with caplog.at_level(logging.WARNING):
        speaker, notice = composer(overrides=folder), examples.notice(model.Kind.SUCCEEDED)
        messages = [speaker.compose([notice], builders.destination()) for _ in range(3)]
    assert messages[-1].title == OURS
    assert "(Your template cannot be used: succeeded.jinja" in messages[-1].body
    assert len(caplog.records) == 1, "once, not with every notice"


def test_a_file_that_is_no_template_is_named(folder: Path) -> None:
    (folder / "sucseeded.jinja").write_text("a\nb")
    [(file, reason)] = composer(overrides=folder).faults()
    assert file == "sucseeded.jinja"
    assert "known are cancelled, checkpoint" in reason


def test_a_folder_that_is_not_there_is_named(folder: Path) -> None:
    assert composer(overrides=folder / "gone").faults() == [("", "there is no such folder beside the configuration")]


def test_a_folder_of_good_templates_has_no_faults(folder: Path) -> None:
    (folder / "succeeded.jinja").write_text("{{ name }}\nb\n{{ hint('x') if cost }}")
    (folder / "group.jinja").write_text(
        "{{ symbol }} {{ entries | length }}\nb\n{% for e in entries %}{{ item(e) }}{% endfor %}"
    )
    assert composer(overrides=folder).faults() == []


def test_strangers_text_is_harmless_in_an_owners_template_as_well(folder: Path) -> None:
    (folder / "failed.jinja").write_text("{{ error_message }}\n{{ metadata.k }}\n{{ row(error_message, suffix) }}")
    hostile = "<script>alert(1)</script>\n@everyone **b** \x1b[2J"
    failed = builders.job("failed", error_message=hostile, suffix=hostile, metadata={"k": hostile})
    notice = notices.of_job(
        model.Kind.FAILED, failed, events=(), metrics=(), page_url=None, now=builders.NOON
    )  # fmt: skip
    message = composer(overrides=folder).compose([notice], builders.destination())
    assert message.html is not None
    assert "<script>" not in message.html + message.title + message.body
    assert "@everyone" not in message.title + message.body
    assert "\x1b" not in message.title + message.body + message.html
