"""The templates: the built-in ones, and an owner's in their place. Sandboxed: a template reads what it is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import jinja2.sandbox

from service.composer import habits, parts

_BUILT_IN = Path(__file__).parent / "templates"
_SUFFIX = ".jinja"
# What the others import; whoever replaces it changes them all.
_SHARED = "words"
# Stands in the rendered text for a part that was made on the way.
_MARK = "\x00"
_LINES_KEPT = 300


class Broken(Exception):
    """A template that cannot be used; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A notice in one language: what its title, its first sentence and the rest say."""

    title: str
    opening: str
    rest: tuple[parts.Part, ...]


class _Missing(jinja2.StrictUndefined):
    """A misspelt name is an error; an `if` without an `else` is nothing."""

    def __str__(self) -> str:  # type: ignore[override]
        return "" if self._undefined_name is None else self._fail_with_undefined_error()


class Templates:
    """Of one language. `overrides`: a folder whose templates stand in the place of the built-in ones of the same name;
    one in its subfolder named after the language goes before."""

    def __init__(self, language: str, say: habits.Habits, overrides: Path | None = None) -> None:
        own = [overrides / language, overrides] if overrides else []
        self._own = own
        self._language = language
        tools = {"duration": say.duration, "moment": say.moment, "number": say.number, "pairs": say.pairs}
        built_in = jinja2.FileSystemLoader(_BUILT_IN / language)
        self._built_in = _environment(built_in, tools)
        self._given = _environment(jinja2.ChoiceLoader([jinja2.FileSystemLoader(own), built_in]), tools)

    def built_in(self, name: str, context: Mapping[str, Any]) -> Page:
        """The page as we wrote it."""
        return _rendered(self._built_in, name, context)

    def given(self, name: str, context: Mapping[str, Any]) -> Page | None:
        """The page as the owner wants it, None when there is no such wish. Raises Broken."""
        if not any((folder / f"{each}{_SUFFIX}").is_file() for folder in self._own for each in (name, _SHARED)):
            return None
        try:
            page = _rendered(self._given, name, context)
        except Exception as error:
            # Whatever an owner's template does, there are words for the notice.
            where = f", line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
            raise Broken(f"{name}{_SUFFIX}{where}: {error}") from error
        if not page.title or not page.opening:
            raise Broken(f"{name}{_SUFFIX}: it gives fewer than two lines; the first is the title")
        return page

    def names(self) -> list[str]:
        """What can be overridden."""
        return sorted(path.stem for path in (_BUILT_IN / self._language).glob(f"*{_SUFFIX}"))


def _environment(loader: jinja2.BaseLoader, tools: Mapping[str, Any]) -> jinja2.Environment:
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        loader=loader, undefined=_Missing, trim_blocks=True, lstrip_blocks=True, finalize=_finalized, auto_reload=False
    )
    environment.globals.clear()
    environment.globals.update(tools, range=jinja2.sandbox.safe_range)
    return environment


def _finalized(value: object) -> object:
    return "" if value is None else value


def _rendered(environment: jinja2.Environment, name: str, context: Mapping[str, Any]) -> Page:
    made: list[parts.Part] = []

    def keep(part: parts.Part) -> str:
        made.append(part)
        return f"\n{_MARK}{len(made) - 1}{_MARK}\n"

    text = environment.get_template(f"{name}{_SUFFIX}").render(**context, **_makers(keep))
    lines = [line.strip() for line in text.split("\n") if line.strip()][:_LINES_KEPT]
    found = [_part(line, made) for line in lines]
    sentences = [part.text for part in found[:2] if isinstance(part, parts.Line)]
    title, opening = [*sentences, "", ""][:2]
    return Page(title=title, opening=opening, rest=tuple(found[2:]))


def _makers(keep: Callable[[parts.Part], str]) -> dict[str, Any]:
    """What makes parts in a template; each returns the mark that stands for the part."""

    def row(label: str, value: object, *, code: bool = False, link: bool = False) -> str:
        if value is None or value is False or value == "":
            return ""
        return keep(parts.Row(label=label, value=parts.value(value), code=code, link=link))

    def hint(text: str) -> str:
        return keep(parts.Line(text=parts.value(text), hint=True))

    return {"row": row, "hint": hint, "item": keep}


def _part(line: str, made: list[parts.Part]) -> parts.Part:
    if line.startswith(_MARK) and line.endswith(_MARK):
        return made[int(line.strip(_MARK))]
    return parts.Line(text=parts.value(line.replace(_MARK, "")))
