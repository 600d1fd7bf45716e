"""`status --watch` on a terminal: one screen that fits any size.

What matters most stands on top and is never cut; the lists below it share the lines that are left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from psycopg.rows import DictRow

from oppspot_runner.app.status import Status
from oppspot_runner.cli import output

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.text import Text

LOOK_S = 2.0
MINUTE_S = 60.0
HEIGHTS = " ▁▂▃▄▅▆▇█"
SPARK = 30  # signs for a minute
SLOTS = 8  # signs for the slots of a runner
PROGRESS = 12  # signs for the progress of a task
TALL = 30  # lines, from which on there is a blank one above each list
MOST_PROBLEMS = 4
MOST_SCHEDULES = 3
COLOURS = {"processing": "cyan", "failed": "red", "cancelled": "yellow", "completed": "green"}

Row = tuple[Any, ...]
Coming = Sequence[tuple[datetime, str]]


@dataclass(frozen=True)
class Look:
    """Counts as they were at `at` seconds of the monotonic clock."""

    at: float
    completed: int
    failed: int


@dataclass
class Rates:
    """Ends of the last minute, from counts that are looked at again and again."""

    looks: deque[Look] = field(default_factory=deque)

    def look(self, stats: dict[str, int], at: float) -> None:
        """Notes the counts of now."""
        self.looks.append(Look(at, stats["completed"], stats["failed"]))
        while at - self.looks[0].at > MINUTE_S:
            self.looks.popleft()

    def per_second(self, status: str) -> float:
        """How many became that in a second, on the average of what was seen."""
        seen_s = self.looks[-1].at - self.looks[0].at
        rises = (_rise(before, after, status) for before, after in pairwise(self.looks))
        return sum(rises) / seen_s if seen_s else 0.0

    def line(self, status: str) -> str:
        """The last minute in signs, each as high as its part of the highest."""
        places = [0] * SPARK
        for before, after in pairwise(self.looks):
            age_s = self.looks[-1].at - after.at
            places[-1 - min(int(age_s / MINUTE_S * SPARK), SPARK - 1)] += _rise(
                before, after, status
            )
        most = max(places)
        return "".join(HEIGHTS[-(-8 * one // most) if most else 0] for one in places)


def _rise(before: Look, after: Look, status: str) -> int:
    # Retention, and people, take tasks away: that is no end of one.
    rise: int = getattr(after, status) - getattr(before, status)
    return max(rise, 0)


@dataclass(frozen=True)
class Screen:
    """Everything at one moment. `trouble` is what is wrong with the looking itself."""

    found: Status
    rates: Rates
    database: str
    coming: Coming = ()
    notes: Sequence[str] = ()
    trouble: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """No more lines than there is room for."""
        from rich.padding import Padding

        top = [*self._head(), *self._problems()]
        yield from top
        height = options.height or console.height
        above = 1 if height >= TALL else 0
        for columns, rows in self._fitting(height - len(top), 1 + above):
            yield Padding(output.table(columns, rows), (above, 0, 0, 0))

    def _head(self) -> Iterator[RenderableType]:
        found = self.found
        alive = sum(row["alive"] for row in found.runners)
        yield _line(
            (f"{found.state} ", "bold green" if found.state == "running" else "bold yellow"),
            (f"{alive} runner{'' if alive == 1 else 's'}, {found.slots} slots  ", ""),
            (self.database, "dim"),
        )
        yield _line(
            *(
                (f"{number:,} {status}  ", COLOURS.get(status, "") if number else "dim")
                for status, number in found.stats.items()
                if status != "total"
            )
        )
        for status in ("completed", "failed"):
            yield _line(
                (f"{status:<10}{self.rates.per_second(status):>8.1f}/s  ", ""),
                (self.rates.line(status), COLOURS[status]),
                ("  the last minute", "dim"),
            )

    def _problems(self) -> Iterator[RenderableType]:
        told = [(f"! {text}", "red") for text in (self.trouble, *self.found.problems) if text]
        told += [(f"- {text}", "yellow") for text in self.notes]
        for text, style in told[:MOST_PROBLEMS]:
            yield _line((text, style))
        if len(told) > MOST_PROBLEMS:
            more = len(told) - MOST_PROBLEMS
            yield _line((f"and {more} more: see `oppspot-runner status`", "dim"))

    def _fitting(self, left: int, head: int) -> Iterator[tuple[list[str], list[Row]]]:
        """The lists, each with the rows that fit: half of the `left` lines, and at least one row
        for each list below it. `head` are the lines of a list besides its rows."""
        lists = [(columns, rows) for columns, rows in self._lists() if rows]
        for place, (columns, rows) in enumerate(lists):
            below = len(lists) - place - 1
            share = min(left - below * (head + 1), left // 2) if below else left
            count = min(len(rows), share - head)
            if count > 0:
                if count < len(rows):
                    columns[0] = f"{columns[0]} {count} of {len(rows)}"
                yield columns, rows[:count]
                left -= head + count

    def _lists(self) -> list[tuple[list[str], list[Row]]]:
        return [
            (["runners", "host...", "slots", "state", "beat>", "lag>"], self._runners()),
            (["running", "agent...", "for>", "progress..."], self._running()),
            (["next at", "schedule..."], self._coming()),
            (["recent", "agent...", "status", "when>", "error..."], self._recent()),
        ]

    def _runners(self) -> list[Row]:
        return [
            (
                row["id"],
                row["host"],
                f"{_bar(row['running'], row['slots'], SLOTS)} {row['running']}/{row['slots']}",
                row["state"],
                output.ago(row["heartbeat_age_s"]),
                output.span(row["lag_ms"] / 1000),
            )
            for row in self.found.runners
        ]

    def _running(self) -> list[Row]:
        return [
            (
                row["id"],
                row["agent_name"] or row["task_type"],
                output.span(max(row["age_s"], 0)),
                "being cancelled" if row["cancel_requested"] else _progress(row["progress"]),
            )
            for row in self.found.running
        ]

    def _coming(self) -> list[Row]:
        return [(due, name) for due, name in self.coming[:MOST_SCHEDULES]]

    def _recent(self) -> list[Row]:
        return [
            (
                row["id"],
                row["agent_name"] or row["task_type"],
                row["status"],
                output.ago(row["age_s"]),
                row["error_message"],
            )
            for row in self.found.recent
        ]


def _line(*parts: tuple[str, str]) -> Text:
    from rich.text import Text

    line = Text(no_wrap=True, overflow="ellipsis")
    for text, style in parts:
        line.append(output.safe(text), style)
    return line


def _bar(part: float, whole: float, width: int) -> str:
    full = round(min(max(part / whole, 0), 1) * width) if whole > 0 else 0
    return "█" * full + "░" * (width - full)


def _progress(shown: DictRow | None) -> str:
    text = output.progress(shown)
    done, total = (shown.get(name) for name in ("done", "total")) if shown else (None, None)
    if isinstance(done, int | float) and isinstance(total, int | float) and total > 0:
        return f"{_bar(done, total, PROGRESS)} {text}"
    return text
