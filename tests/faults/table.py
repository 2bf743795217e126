"""What can go wrong and what tunewatch then does: one row per fault, tested and printed from the same words."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row of docs/faults.md.

    `logged`: words of the one log line (its tests look for exactly these), "nothing" for none. `again`: what is
    tried again, and when. `told`: which notice it becomes, and when.
    """

    name: str
    logged: str
    again: str
    told: str


def rendered(faults: Sequence[Fault]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what happens | the log says, once | tried again | people are told |", "| --- | --- | --- | --- |"]
    lines += [f"| {each.name} | {each.logged} | {each.again} | {each.told} |" for each in faults]
    return "\n".join(lines)
