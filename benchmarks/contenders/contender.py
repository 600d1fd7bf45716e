"""What every contender can do, and what a drain and a start are."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from benchmarks.server import Server


@dataclass(frozen=True)
class Span:
    """When the first task was asked for and the last end was committed: seconds since 1970."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Contender(Protocol):
    """Something that runs tasks from a queue."""

    name: str
    remark: str  # its set-up, and what it does not do that others do
    durable: bool  # whether an insert that was answered survives the loss of power

    def install(self) -> None:
        """Makes its environment, if it is not there yet. Raises what keeps it from running."""

    def place(self, server: Server) -> AbstractContextManager[str]:
        """An empty place for its queue, as an address for the other methods."""


class Drains(Contender, Protocol):
    """One that can empty a queue of no-op tasks."""

    share: float  # of the tasks: slow ones get fewer, the rate is what counts

    def fill(self, address: str, tasks: int) -> None:
        """Puts in tasks that do nothing."""

    def drain(self, address: str, concurrency: int | None) -> Span:
        """Runs all of them in one process, `concurrency` at a time; None is its fastest set-up."""


class Starts(Contender, Protocol):
    """One that can be timed from an insert to the start of the task."""

    def delays(self, address: str, count: int, gap_s: float) -> list[float]:
        """Seconds from just before the insert to the first line of the task, one by one, idle."""
