"""Backups that lie in a folder: their names, which is the newest, and which may go."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_NAME = re.compile(r"tunewatch-(\d{8}T\d{6}Z)\.db", re.ASCII)
_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, kw_only=True)
class Backup:
    """One that was made and verified."""

    path: Path
    size_bytes: int


def name(now: datetime) -> str:
    """What the backup of this moment is called: `tunewatch-20261125T020000Z.db`."""
    return f"tunewatch-{now.astimezone(UTC).strftime(_TIME)}.db"


def made_at(name: str) -> datetime | None:
    """The moment in a name of ours; None for any other name."""
    match = _NAME.fullmatch(name)
    if not match:
        return None
    try:
        return datetime.strptime(match[1], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def newest(names: Iterable[str], now: datetime) -> datetime | None:
    """When the newest backup was made. One from the future says nothing: somebody has set the clock."""
    return max((moment for each in names if (moment := made_at(each)) and moment <= now), default=None)


def surplus(names: Iterable[str], *, keep: int, made: str) -> Sequence[str]:
    """The oldest of our names beyond `keep`, but never the one just `made`, whatever the clock said before."""
    others = sorted(each for each in names if made_at(each) and each != made)
    return others[: max(0, len(others) - (keep - 1))]
