"""From the file to checked settings, or to every mistake in it."""

import difflib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from service import errors
from service.config import schema, source

# Settings whose value may be a secret: `NAME_file` may stand for NAME.
_SECRETS = {"accounts": "api_key", "channels": "url", "database": "url"}
# Announced for a later version; a file written for it is no mistake.
RESERVED = ("web",)

_Section = TypeVar("_Section", bound=schema.Section)
UrlFault = Callable[[str], str | None]
# Gives file and reason for each template of the owner's that cannot be used.
TemplateFaults = Callable[[schema.Settings], Iterable[tuple[str, str]]]


def load(
    given: str | None,
    *,
    url_fault: UrlFault,
    database_fault: UrlFault,
    template_faults: TemplateFaults = lambda _: (),
    environ: Mapping[str, str] = os.environ,
) -> schema.Settings:
    """The settings of the file that `source.find` finds.

    `url_fault` says why a channel's URL cannot be used, `database_fault` why a database's, None when it can;
    `template_faults` what is wrong with the owner's own templates.
    Raises errors.Configuration with every fault of the file.
    """
    path = source.find(given, environ)
    tables = source.parse(path)
    faults: list[errors.Fault] = []

    def fault(key: str, problem: str, remedy: str) -> None:
        faults.append(errors.Fault(key=key, problem=problem, remedy=remedy))

    tables, _ = split_reserved(tables)
    tables = _with_secret_files(source.expand(tables, environ, fault), path, fault)
    for section, name in source.FOLDERS:
        tables = _with_folder_beside(tables, section, name, path)
    settings = _validated(tables, schema.Settings, fault)
    _check_names(tables, fault)
    _check_fallbacks(tables.get("channels"), fault)
    _check_urls(tables.get("channels"), url_fault, fault)
    _check_database(tables.get("database"), database_fault, fault)
    for file, reason in template_faults(settings) if settings else ():
        fault(f"notices.templates {file}".strip(), reason, "mend the template, or take it away")
    if faults or settings is None:
        raise errors.Configuration(str(path), _without_echoes(faults))
    return settings


def prices(path: Path, environ: Mapping[str, str] = os.environ) -> dict[str, schema.Price]:
    """The prices of a file alone, for commands that need no keys.

    Raises errors.Configuration with the faults of these settings.
    """
    faults: list[errors.Fault] = []

    def fault(key: str, problem: str, remedy: str) -> None:
        faults.append(errors.Fault(key=key, problem=problem, remedy=remedy))

    tables = {"prices": source.expand(source.parse(path).get("prices", {}), environ, fault, "prices")}
    checked = _validated(tables, schema.Priced, fault)
    if faults or checked is None:
        raise errors.Configuration(str(path), _without_echoes(faults))
    return checked.prices


def split_reserved(tables: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The tables without the settings that have no effect yet, and the names of those."""
    kept = {name: table for name, table in tables.items() if name not in RESERVED}
    return kept, [f"[{name}]" for name in tables if name in RESERVED]


def _with_secret_files(tables: dict[str, Any], path: Path, fault: source.Fault) -> dict[str, Any]:
    """`tables` with the content of each `NAME_file` in the place of NAME."""
    result = dict(tables)
    for section, name in _SECRETS.items():
        table = tables.get(section)
        if isinstance(table, list):
            result[section] = [
                source.with_file(entry, name, f"{section}[{place}]", path, fault) if isinstance(entry, dict) else entry
                for place, entry in enumerate(table)
            ]
        elif isinstance(table, dict):
            result[section] = source.with_file(table, name, section, path, fault)
    return result


def _with_folder_beside(tables: dict[str, Any], section: str, name: str, path: Path) -> dict[str, Any]:
    """`tables` with this folder looked for beside the configuration."""
    table = tables.get(section)
    folder = table.get(name) if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(folder, str):
        return tables
    return {**tables, section: {**table, name: source.beside(path, folder)}}


def _validated(tables: dict[str, Any], kind: type[_Section], fault: source.Fault) -> _Section | None:
    try:
        return kind.model_validate(tables)
    except pydantic.ValidationError as error:
        for problem in error.errors(include_url=False, include_context=True):
            fault(_key(problem["loc"]), *_explain(problem))
        return None


def _key(loc: Iterable[int | str]) -> str:
    """`accounts[0].api_key`"""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def _explain(problem: Mapping[str, Any]) -> tuple[str, str]:
    """Problem and remedy, in our words. The value itself is never shown: it may be a secret."""
    kind, loc, context = problem["type"], problem["loc"], problem.get("ctx", {})
    if kind == "missing":
        if loc == ("accounts",):
            return "there is no account", 'add [[accounts]] with name and api_key = "${OPENAI_API_KEY}"'
        return "is missing", f"write {loc[-1]} = …"
    if kind == "extra_forbidden":
        return "is not a setting", _did_you_mean(loc)
    if kind == "value_error":
        problem_text, _, remedy = str(context["error"]).partition(": ")
        return problem_text, remedy
    if kind in ("enum", "literal_error"):
        return "is not one of the possible values", f"write one of {context['expected']}"
    if kind == "too_short":
        return "is empty", "add at least one"
    return "is of the wrong kind", problem["msg"][0].lower() + problem["msg"][1:]


_TABLES: dict[str, type[pydantic.BaseModel]] = {
    "poll": schema.Poll,
    "database": schema.Database,
    "notices": schema.Notices,
    "accounts": schema.Account,
    "channels": schema.Channel,
    "prices": schema.Price,
}


def _did_you_mean(loc: tuple[int | str, ...]) -> str:
    table = _TABLES.get(str(loc[0]), schema.Settings) if len(loc) > 1 else schema.Settings
    twin = _SECRETS.get(str(loc[0])) if len(loc) > 1 else None
    names = [*table.model_fields, *([f"{twin}_file"] if twin else [])]
    close = difflib.get_close_matches(str(loc[-1]), names, n=1)
    known = ", ".join(names)
    return f"did you mean {close[0]}?" if close else f"remove it; known here: {known}"


def _check_names(tables: dict[str, Any], fault: source.Fault) -> None:
    for section in ("accounts", "channels"):
        entries = tables.get(section)
        names = [entry.get("name") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        for place, name in enumerate(names):
            if isinstance(name, str) and name in names[:place]:
                fault(f"{section}[{place}].name", f"{name!r} is used twice", "give each its own name")


def _check_fallbacks(channels: Any, fault: source.Fault) -> None:
    entries = [entry for entry in channels if isinstance(entry, dict)] if isinstance(channels, list) else []
    names = [entry.get("name") for entry in entries]
    for place, entry in enumerate(entries):
        fallback = entry.get("fallback")
        if isinstance(fallback, str) and (fallback not in names or fallback == entry.get("name")):
            fault(f"channels[{place}].fallback", "is not another channel", "write the name of one")


def _check_urls(channels: Any, url_fault: UrlFault, fault: source.Fault) -> None:
    for place, channel in enumerate(channels if isinstance(channels, list) else ()):
        urls = channel.get("url") if isinstance(channel, dict) else None
        for url in urls if isinstance(urls, list) else [urls]:
            problem = url_fault(url) if isinstance(url, str) and url.strip() else None
            if problem:
                fault(f"channels[{place}].url", problem, "write an Apprise URL, such as mailto://… or slack://…")


def _check_database(table: Any, database_fault: UrlFault, fault: source.Fault) -> None:
    url = table.get("url") if isinstance(table, dict) else None
    problem = database_fault(url) if isinstance(url, str) else None
    if problem:
        fault("database.url", problem, "write sqlite:///file.db (relative) or sqlite:////path/file.db")


def _without_echoes(faults: Iterable[errors.Fault]) -> list[errors.Fault]:
    """One fault per key: what could not be filled in is also of the wrong kind, which helps nobody."""
    first: dict[str, errors.Fault] = {}
    for fault in faults:
        place = fault.key.removesuffix("_file")
        if not any(known.startswith(f"{place}[") or known == place or place.startswith(f"{known}[") for known in first):
            first[place] = fault
    return list(first.values())
