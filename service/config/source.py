"""Reading the TOML file and putting the environment into its strings. Cheap: reading commands use only this."""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from service import clock, errors

DATABASE_URL = "sqlite:///tunewatch.db"
BACKUP_EVERY = timedelta(days=1)
# Settings that are folders: table and name.
FOLDERS = (("notices", "templates"), ("database", "backup"))
# Called with the key, the problem and the remedy of a mistake.
Fault = Callable[[str, str, str], None]
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
_SYSTEM_WIDE = Path("/etc/tunewatch/config.toml")


def find(given: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The file to read: `given`, else TUNEWATCH_CONFIG, else ./config.toml, else /etc/tunewatch/config.toml.

    Raises errors.Configuration when there is none.
    """
    for source, name in (("--config", given), ("TUNEWATCH_CONFIG", environ.get("TUNEWATCH_CONFIG"))):
        if name and not _is_file(Path(name)):
            raise errors.Configuration(name, [errors.Fault(
                key=source, problem="there is no such file that this user may see", remedy="name an existing TOML file",
            )])  # fmt: skip
        if name:
            return Path(name)
    for path in (Path("config.toml"), _SYSTEM_WIDE):
        if _is_file(path):
            return path
    raise errors.Configuration("config.toml", [errors.Fault(
        key="--config", problem=f"there is no config.toml in {Path.cwd()} and no {_SYSTEM_WIDE}",
        remedy="start from the config.toml of the project, or name a file with --config or TUNEWATCH_CONFIG",
    )])  # fmt: skip


def _is_file(path: Path) -> bool:
    """Whether there is a file, as far as this user may know: the folder that we are in may be somebody else's."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def find_any(given: str | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file that `find` finds; None when there is none and nobody named one."""
    try:
        return find(given, environ)
    except errors.Configuration:
        if given or environ.get("TUNEWATCH_CONFIG"):
            raise
        return None


def parse(path: Path) -> dict[str, Any]:
    """The file as it stands. Raises errors.Configuration when it cannot be read or is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        fault = errors.Fault(key="(file)", problem=f"cannot be read: {error.strerror}", remedy="check its permissions")
    except UnicodeDecodeError:
        fault = errors.Fault(key="(file)", problem="is not UTF-8 text", remedy="save it as UTF-8")
    except tomllib.TOMLDecodeError as error:
        fault = errors.Fault(key="(file)", problem=f"is not TOML: {error}", remedy="mend that line")
    raise errors.Configuration(str(path), [fault])


def expand(value: Any, environ: Mapping[str, str], fault: Fault, key: str = "") -> Any:
    """`value` with `${NAME}` and `${NAME:-default}` in all its strings replaced from the environment.

    A default also stands in for an empty variable, as in a shell. `fault(key, problem, remedy)` is called for
    each variable that is missing; its place stays None.
    """
    if isinstance(value, dict):
        return {name: expand(item, environ, fault, f"{key}.{name}" if key else name) for name, item in value.items()}
    if isinstance(value, list):
        return [expand(item, environ, fault, f"{key}[{place}]") for place, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    # Alone in its string, an empty variable is a forgotten one: .env was copied and not filled in.
    alone = _VARIABLE.fullmatch(value) is not None
    missing = [
        match["name"]
        for match in _VARIABLE.finditer(value)
        if match["default"] is None and (match["name"] not in environ or (alone and not environ[match["name"]].strip()))
    ]
    for name in missing:
        state = "empty" if name in environ else "not set"
        fault(key, f"the environment variable {name} is {state}", f"set {name}, or write the value into the file")
    if missing:
        return None
    return _VARIABLE.sub(lambda match: environ.get(match["name"]) or match["default"] or "", value)


def with_file(entry: dict[str, Any], name: str, key: str, config: Path, fault: Fault) -> dict[str, Any]:
    """`entry` with the content of the file that `NAME_file` names in the place of NAME, if it names one."""
    result = dict(entry)
    file = result.pop(f"{name}_file", None)
    if file is None:
        return result
    place = f"{key}.{name}_file"
    if name in result:
        fault(place, f"stands beside {name}", f"keep only one of {name} and {name}_file")
        return result
    result[name] = None
    if not isinstance(file, str):
        fault(place, "is not text", "write the path of a file")
        return result
    try:
        # Relative to the configuration, so that it does not depend on where the program was started.
        result[name] = (config.parent / file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        # Not the name: somebody may have written the secret itself in its place.
        reason = getattr(error, "strerror", None) or "it is not text"
        fault(place, f"the file cannot be read: {reason}", "write the path of a file that this user may read")
    return result


def reading(given: str | None, environ: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """The database URL and the time zone, for commands that only read: they need no keys and no channels.

    Without a configuration file the defaults hold, so that a shell with DATABASE_URL alone can look.
    Raises errors.Configuration for these settings only; others are not looked at.
    """
    path = find_any(given, environ)
    if path is None:
        return environ.get("DATABASE_URL") or DATABASE_URL, "UTC"
    faults: list[errors.Fault] = []

    def fault(key: str, problem: str, remedy: str) -> None:
        faults.append(errors.Fault(key=key, problem=problem, remedy=remedy))

    tables = parse(path)
    database = expand(_table(tables, "database"), environ, fault, "database")
    database = with_file(database, "url", "database", path, fault)
    notices = expand(_table(tables, "notices"), environ, fault, "notices")
    url, zone = database.get("url", DATABASE_URL), notices.get("timezone", "UTC")
    for key, value in (("database.url", url), ("notices.timezone", zone)):
        if value is not None and not isinstance(value, str):
            fault(key, "is not text", "write it between quotation marks")
    if faults:
        raise errors.Configuration(str(path), faults)
    return url, zone


@dataclass(frozen=True, kw_only=True)
class Backups:
    """Where backups are made by themselves, and how often."""

    folder: Path
    every: timedelta


def backups(given: str | None, environ: Mapping[str, str] = os.environ) -> Backups | None:
    """What is configured of backups, as cheaply as `reading`; None without.

    Raises errors.Configuration for these settings only.
    """
    try:
        path = find(given, environ)
    except errors.Configuration:
        return None
    faults: list[errors.Fault] = []

    def fault(key: str, problem: str, remedy: str) -> None:
        faults.append(errors.Fault(key=key, problem=problem, remedy=remedy))

    table = _table(parse(path), "database")
    chosen = {name: table[name] for name in ("backup", "backup_every") if name in table}
    found = expand(chosen, environ, fault, "database")
    folder, every = found.get("backup", ""), BACKUP_EVERY
    if not isinstance(folder, str | None):
        fault("database.backup", "is not text", "write the path of a folder")
    if found.get("backup_every") is not None:
        try:
            every = clock.to_duration(found["backup_every"] if isinstance(found["backup_every"], str) else "")
        except ValueError as error:
            problem, _, remedy = str(error).partition(": ")
            fault("database.backup_every", problem, remedy)
    if faults:
        raise errors.Configuration(str(path), faults)
    place = beside(path, folder)
    return Backups(folder=place, every=every) if place else None


def account_names(given: str | None) -> set[str] | None:
    """Those of the configured accounts, as far as they can be read; None without a configuration."""
    path = find_any(given)
    if path is None:
        return None
    tables = parse(path).get("accounts")
    return {str(each.get("name")) for each in tables if isinstance(each, dict)} if isinstance(tables, list) else set()


def beside(config: Path, folder: str) -> Path | None:
    """The place of a folder that the configuration names, relative to the file itself; None for an empty name.

    So it does not depend on where the program was started.
    """
    return config.parent / folder if folder.strip() else None


def _table(tables: dict[str, Any], name: str) -> dict[str, Any]:
    table = tables.get(name)
    return table if isinstance(table, dict) else {}
