"""A notice, or several that go together, in words: in the owner's language, in every form that a channel may want."""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

from service import clock, model
from service.composer import context, curve, habits, layout, parts, templates
from service.rules import causes, cost, plain

log = logging.getLogger(__name__)

# What a line about one of several notices needs at the most: a title, what matters of it, an id.
_ROW_ROOM = 200
_HEAD_ROOM = 300
_LONGEST_DETAIL = 90
_LONGEST_FACT = 10_000
_FORM = 1
# Of those that go together, the first has the first line.
_ORDER = (
    model.Kind.FAILED, model.Kind.WATCH_FAILING, model.Kind.DELIVERY_FAILED, model.Kind.STALLED, model.Kind.CANCELLED,
    model.Kind.MODEL_SHUTDOWN, model.Kind.PAUSED, model.Kind.SUCCEEDED,
)  # fmt: skip

Draw = Callable[[model.Course, str], bytes | None]


class Composer:
    """See ports.Composer. `overrides`: a folder of the owner's own templates. `draw` makes the picture of a course."""

    def __init__(
        self,
        *,
        zone: tzinfo,
        prices: Mapping[str, cost.Price] | None = None,
        overrides: Path | None = None,
        draw: Draw = curve.render,
    ) -> None:
        self._prices = prices or {}
        self._overrides = overrides
        self._draw = draw
        self._say = {language: habits.Habits(language, zone) for language in habits.LANGUAGES}
        self._templates = {
            language: templates.Templates(language, say, overrides) for language, say in self._say.items()
        }
        self._told: set[str] = set()

    def compose(
        self, notices: Sequence[model.Notice], destination: model.Destination, course: model.Course | None = None
    ) -> model.Message:
        language = destination.channel.language
        notices = sorted(notices, key=_rank)
        first = notices[0]
        if len(notices) == 1:
            notice_id, thread, page = first.notice_id, _thread(first), self._page(first, language)
        else:
            notice_id, thread, page = _together(notices), None, self._group(notices, language)
        picture = self._draw(course, page.title) if course else None
        mark = f"{habits.NOTICE[language]} {notice_id}"
        head = (parts.Line(text=page.opening), parts.Line(text=mark))
        return model.Message(
            title=page.title,
            body=_form(parts.as_text, head, page.rest),
            markdown=_form(parts.as_markdown, head, page.rest),
            html=layout.mail(page, mark=mark, kind=first.kind, language=language, picture=picture is not None),
            kind=first.kind,
            notice_id=notice_id,
            dedup_key=f"{notice_id}.{destination.key}",
            thread=thread,
            data={"version": _FORM, "notices": [_data(notice) for notice in notices]},
            picture=picture,
        )

    def rows(self, room: int) -> int:
        return max(1, (room - _HEAD_ROOM) // _ROW_ROOM)

    def faults(self) -> list[tuple[str, str]]:
        """What is wrong with the owner's templates: file and reason, each tried on examples of its kind."""
        # The examples bring nothing heavy, but nobody else needs them.
        from service.composer import examples  # noqa: PLC0415

        if self._overrides is None:
            return []
        if not self._overrides.is_dir():
            # Not its name: somebody may have written a secret in its place.
            return [("", "there is no such folder beside the configuration")]
        known = self._templates["en"].names()
        found = [
            (str(path.relative_to(self._overrides)), f"is no template; known are {', '.join(known)}")
            for path in sorted(self._overrides.rglob("*.jinja"))
            if path.stem not in known
        ]
        tried = {fault for notice in examples.all_kinds() for fault in self._faults_with(notice)}
        tried |= self._faults_with_group(examples.all_kinds())
        return [*found, *sorted(tried)]

    def _faults_with(self, notice: model.Notice) -> set[tuple[str, str]]:
        return {
            fault
            for language, say in self._say.items()
            if (fault := self._fault(notice.kind, context.of(notice, say, self._prices), language))
        }

    def _faults_with_group(self, notices: Sequence[model.Notice]) -> set[tuple[str, str]]:
        values = _group_context(notices, [f"! {notice.kind}" for notice in notices])
        return {fault for language in habits.LANGUAGES if (fault := self._fault("group", values, language))}

    def _fault(self, name: str, values: Mapping[str, Any], language: str) -> tuple[str, str] | None:
        try:
            self._templates[language].given(name, values)
        except templates.Broken as broken:
            file, _, reason = str(broken).partition(": ")
            return file, reason
        return None

    def _page(self, notice: model.Notice, language: str) -> templates.Page:
        page = self._rendered(notice.kind, context.of(notice, self._say[language], self._prices), language)
        trial = notice.facts.get("trial")
        if not trial:
            return page
        return templates.Page(title=f"{page.title} (test)", opening=f"{habits.TRIAL[language]}{trial}", rest=page.rest)

    def _group(self, notices: Sequence[model.Notice], language: str) -> templates.Page:
        titles = [self._page(notice, language).title for notice in notices]
        return self._rendered("group", _group_context(notices, titles), language)

    def _rendered(self, name: str, values: Mapping[str, Any], language: str) -> templates.Page:
        """The owner's words, or ours with a remark when the owner's cannot be used: never none."""
        try:
            page = self._templates[language].given(name, values)
        except templates.Broken as broken:
            self._tell_once(str(broken))
            ours = self._templates[language].built_in(name, values)
            remark = parts.Line(text=f"({habits.BROKEN[language]}: {parts.value(broken)})")
            return templates.Page(title=ours.title, opening=ours.opening, rest=(*ours.rest, remark))
        return page or self._templates[language].built_in(name, values)

    def _tell_once(self, fault: str) -> None:
        cause = causes.reduced(fault)
        if cause not in self._told and len(self._told) < causes.MOST:
            self._told.add(cause)
            log.warning("the template %s cannot be used; the built-in one stands in for it", fault)


def _rank(notice: model.Notice) -> int:
    return _ORDER.index(notice.kind) if notice.kind in _ORDER else len(_ORDER)


def _group_context(notices: Sequence[model.Notice], titles: Sequence[str]) -> dict[str, Any]:
    entries = [
        parts.Entry(title=title, detail=_detail(notice), notice_id=notice.notice_id)
        for notice, title in zip(notices, titles, strict=True)
    ]
    kinds = [notice.kind for notice in notices]
    counts = [(str(kind), kinds.count(kind)) for kind in dict.fromkeys(kinds)]
    return {"entries": entries, "counts": counts, "symbol": titles[0].partition(" ")[0]}


def _form(form: Callable[[Sequence[parts.Part]], str], head: Sequence[parts.Part], rest: Sequence[parts.Part]) -> str:
    # The id stands near the top: some services cut long texts at their end.
    return f"{form(head)}\n\n{form(rest)}"


def _detail(notice: model.Notice) -> str:
    """Of one among several, the one thing to know besides its title."""
    facts = notice.facts
    reason = ": ".join(str(facts[name]) for name in ("error_code", "error_message") if facts.get(name))
    return plain.text(reason or facts.get("fine_tuned_model") or facts.get("reason") or "", _LONGEST_DETAIL)


def _together(notices: Sequence[model.Notice]) -> str:
    """An id for those that go together: the same for the same."""
    digest = hashlib.sha256(" ".join(sorted(notice.notice_id for notice in notices)).encode()).hexdigest()
    return f"tw-{digest[:12]}"


def _thread(notice: model.Notice) -> str:
    """The same for all that is told of one job, and of one trouble of the watch and its end."""
    about = notice.job_id or f"{notice.facts.get('about')} {notice.facts.get('name')}"
    return hashlib.sha256(f"{notice.account}\0{about}".encode()).hexdigest()[:24]


def _data(notice: model.Notice) -> dict[str, Any]:
    return {
        "notice_id": notice.notice_id,
        "kind": str(notice.kind),
        "account": notice.account,
        "job_id": notice.job_id,
        "created_at": clock.to_text(notice.created_at),
        "facts": _bounded(notice.facts),
    }


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        return plain.line(value, _LONGEST_FACT)
    if isinstance(value, Mapping):
        return {plain.line(key, _LONGEST_FACT): _bounded(each) for key, each in value.items()}
    return [_bounded(each) for each in value] if isinstance(value, list | tuple) else value
