"""A bar on the terminal's error stream, while something long goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from oppspot_runner.cli.output import styled, warn

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar:
    """How far something has come; without a terminal only what it says is seen."""

    def __init__(self, shown: Progress | None = None, task: TaskID | None = None) -> None:
        self._shown = shown
        self._task = task

    def update(self, done: int, total: int | None, count: int) -> None:
        """`done` of `total`, which is None when it cannot be known; `count` stands beside it."""
        if self._shown is not None and self._task is not None:
            self._shown.update(self._task, completed=done, total=total, count=count)

    def say(self, text: str) -> None:
        """Prints a line to stderr, above the bar."""
        if self._shown is None:
            warn(text)
        else:
            self._shown.console.print(styled(text))


@contextmanager
def progress_bar(title: str, unit: str) -> Iterator[Bar]:
    """A bar that is gone afterwards; `unit` is what `count` counts."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        yield Bar()
        return
    counted = TextColumn("{task.fields[count]:,} " + unit)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), counted)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as shown:
        yield Bar(shown, shown.add_task(title, total=None, count=0))
