"""What a measurement found: a table, what it says of the goals, and how both are printed and written down."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One goal and what became of it; `met` is None when it was not measured here."""

    text: str
    found: str
    met: bool | None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "MISSED", None: "not measured"}[self.met]


@dataclass(frozen=True, kw_only=True)
class Table:
    """One measurement. `notes` are sentences that belong under the table."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = ()


def text(table: Table) -> str:
    """For a terminal."""
    lines = [list(table.headings), *map(list, table.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    body = ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    goals = [f"goal {goal.text}: {goal.found}: {goal.verdict}" for goal in table.goals]
    return "\n".join([*body, *goals, *table.notes])


def markdown(table: Table) -> str:
    """For the documentation."""
    parts = [_grid(table.headings, table.rows)]
    if table.goals:
        parts.append(
            _grid(("goal", "found", "verdict"), [(goal.text, goal.found, goal.verdict) for goal in table.goals])
        )
    return "\n\n".join([*parts, *([" ".join(table.notes)] if table.notes else [])])


def replaced(document: str, name: str, content: str) -> str:
    """`document` with the text between the markers of that name replaced. Raises ValueError when they are missing."""
    start, end = f"<!-- bench:{name} -->", f"<!-- end:{name} -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(document):
        raise ValueError(f"there is no {start} … {end}")
    return pattern.sub(lambda _: f"{start}\n{content}\n{end}", document)


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
