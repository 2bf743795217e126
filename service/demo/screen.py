"""What the demo shows: a live picture on a terminal, plain lines in a pipe."""

import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from service import clock
from service.demo.inboxes import Arrival
from service.rules import plain

Row = dict[str, Any]

JOBS_SHOWN = 9
_MARKS = {"e-mail": "✉ ", "chat": "💬"}
_STYLES = {
    "pending": "dim", "running": "cyan", "paused": "yellow", "succeeded": "green", "failed": "red",
    "cancelled": "yellow", "unknown": "magenta",
}  # fmt: skip


class Screen(Protocol):
    """Is told of news and shows it; `history` is newest first."""

    def jobs(self, jobs: Sequence[Row], history: Sequence[Row]) -> None: ...

    def arrived(self, arrival: Arrival) -> None: ...

    def close(self, jobs: Sequence[Row], deliveries: Sequence[Row], kept: Path | None) -> None: ...


def suited(length: timedelta) -> Screen:
    """The live picture where there is a terminal that can show it."""
    console = Console(highlight=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return _Picture(console, length)
    # In a pipe nobody's lines are wrapped.
    return _Lines(Console(highlight=False, width=10_000, no_color=True, emoji=False))


class _Lines:
    """One line per news."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last_change = 0
        self._kinds_shown: set[str] = set()
        self._arrived: list[Arrival] = []
        console.print("tunewatch demo: a simulated provider, the real daemon, two real inboxes; all on this machine.")

    def jobs(self, jobs: Sequence[Row], history: Sequence[Row]) -> None:
        names = {row["job_id"]: row["suffix"] or row["job_id"] for row in jobs}
        for row in reversed(history):
            if row["change_id"] > self._last_change and row["source"] != "baseline":
                was = row["from_status"] or "new"
                name = names.get(row["job_id"], row["job_id"])
                self._console.print(f"{_now()} job     {name}: {was} -> {row['to_status']}", markup=False)
        self._last_change = max((row["change_id"] for row in history), default=self._last_change)

    def arrived(self, arrival: Arrival) -> None:
        self._arrived.append(arrival)
        self._console.print(f"{_now()} {arrival.via:<7} {arrival.title}", markup=False)
        if _is_new_kind(arrival, self._kinds_shown):
            for line in arrival.body.strip().splitlines():
                self._console.print(f"                 | {line}", markup=False)

    def close(self, jobs: Sequence[Row], deliveries: Sequence[Row], kept: Path | None) -> None:
        for line in _summary(jobs, deliveries, self._arrived, kept):
            self._console.print(line, markup=False)


class _Picture:
    """The jobs in place at the bottom, the notices scrolling by above them."""

    def __init__(self, console: Console, length: timedelta) -> None:
        self._console = console
        self._length = length.total_seconds()
        self._began = clock.SystemClock().monotonic()
        self._kinds_shown: set[str] = set()
        self._arrived: list[Arrival] = []
        console.print(
            Panel(
                "A simulated provider, the real daemon, a mail server and a chat webhook, all\n"
                "on this machine. Jobs come, run and end; a notice arrives for every end.",
                title="[bold]tunewatch demo", box=box.ROUNDED, border_style="cyan", width=min(console.width, 84),
            )
        )  # fmt: skip
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._live.start()

    def jobs(self, jobs: Sequence[Row], history: Sequence[Row]) -> None:
        table = Table(box=box.SIMPLE_HEAD, expand=False, pad_edge=False, width=min(self._console.width, 84))
        table.add_column("JOB", ratio=3, no_wrap=True)
        table.add_column("STATE", width=10, no_wrap=True)
        table.add_column("SINCE", width=10, no_wrap=True)
        table.add_column("", ratio=5, no_wrap=True)
        changed = {row["job_id"]: row["observed_at"] for row in reversed(history)}
        for row in jobs:
            since = changed.get(row["job_id"])
            style = _STYLES[row["state"]]
            table.add_row(
                Text(plain.line(row["suffix"] or row["model"], 40)),
                Text(row["state"], style=style),
                Text(_ago(since) if since and not row["finished_at"] else _clock(row["finished_at"]), style="dim"),
                Text(plain.line(row["fine_tuned_model"] or row["error_code"] or "", 80), style=style),
            )
        self._live.update(Group(table, self._bar()))

    def _bar(self) -> Table:
        passed = clock.SystemClock().monotonic() - self._began
        left = plain.duration(timedelta(seconds=max(0.0, self._length - passed)))
        line = Table.grid(padding=(0, 1))
        line.add_row(ProgressBar(total=self._length, completed=passed, width=40), Text(f"{left} left", style="dim"))
        return line

    def arrived(self, arrival: Arrival) -> None:
        self._arrived.append(arrival)
        heading = Text.assemble(
            (f"{_now()} ", "dim"), f"{_MARKS[arrival.via]} {arrival.via:<6} ", (arrival.title, "bold")
        )
        if not _is_new_kind(arrival, self._kinds_shown):
            self._live.console.print(heading)
            return
        self._live.console.print(
            Panel(
                Text(arrival.body.strip()), title=heading, title_align="left", box=box.ROUNDED, border_style="dim",
                width=min(self._console.width, 84),
            )
        )  # fmt: skip

    def close(self, jobs: Sequence[Row], deliveries: Sequence[Row], kept: Path | None) -> None:
        self._live.stop()
        first, *rest = _summary(jobs, deliveries, self._arrived, kept)
        self._console.print()
        self._console.print(first, style="bold", markup=False)
        for line in rest:
            self._console.print(line, markup=False)


def _is_new_kind(arrival: Arrival, shown: set[str]) -> bool:
    """Whether this is the first mail of its kind, to be shown in full: it is what an owner gets.

    Kinds are told apart by the symbol of the title. The chat's text is the same and is not shown twice.
    """
    new = arrival.via == "e-mail" and arrival.title[0] not in shown
    shown.add(arrival.title[0] if arrival.via == "e-mail" else "")
    return new


def _summary(
    jobs: Sequence[Row], deliveries: Sequence[Row], arrived: Sequence[Arrival], kept: Path | None
) -> list[str]:
    states = Counter(row["state"] for row in jobs)
    sent = sum(row["state"] == "sent" for row in deliveries)
    waiting = len(deliveries) - sent
    notices = len({row["notice_id"] for row in deliveries})
    # What the inboxes got is held against what the outbox says.
    copies = Counter((arrival.via, *re.findall(r"^Notice (\S+)", arrival.body, re.MULTILINE)) for arrival in arrived)
    told = ", ".join(f"{count} by {via}" for via, count in sorted(Counter(arrival.via for arrival in arrived).items()))
    lost, twice = max(0, sent - len(copies)), sum(count > 1 for count in copies.values())
    verdict = f"{lost or 'none'} lost, {twice or 'none'} twice" + (f", {waiting} still waiting" if waiting else "")
    lines = [
        f"Watched {plain.count(len(jobs), 'job')}: "
        + ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        + ".",
        f"{plain.count(notices, 'notice')}; arrived: {told or 'none yet'}; {verdict}.",
    ]
    if kept:
        lines.append(f"The history is in {kept}: DATABASE_URL=sqlite:///{kept.absolute()} {sys.argv[0]} jobs")
    lines.append("Chat is told of successes and failures only; what had ended before the watch is told to nobody.")
    lines.append(f"For your own jobs: set OPENAI_API_KEY and NOTIFY_URL, then `{sys.argv[0]} run`.")
    return lines


def _now() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")


def _clock(text: str | None) -> str:
    return clock.from_text(text).astimezone().strftime("%H:%M:%S") if text else ""


def _ago(text: str) -> str:
    return plain.duration(clock.SystemClock().now() - clock.from_text(text))
