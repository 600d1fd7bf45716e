"""Waits of an agent that hold no slot: what became of one, and how it ends the attempt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FOR_MONEY = (
    "for money: "  # how the reason begins of who waits until others give back what they hold
)


@dataclass(frozen=True)
class Awaited:
    """What became of a wait: its `result` once it is over, else when to look again at the latest.

    `until` None: when the task is told to.
    """

    over: bool
    result: Any = None
    until: datetime | None = None


class Suspended(BaseException):
    """Ends the attempt of an agent that waits; a later one goes on from the steps it remembers.

    No Exception, so that an agent that catches those does not go on without what it waits for.
    """

    def __init__(self, reason: str, until: datetime | None) -> None:
        super().__init__(reason)
        self.until = until


def single(error: BaseException) -> Iterator[BaseException]:
    """The errors of a group and of the groups in it, in order; of no group, the error itself."""
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseExceptionGroup):
            waiting += reversed(one.exceptions)
        else:
            yield one


def suspension(error: BaseException) -> Suspended | None:
    """The first wait in `error`, when that is one or a group of nothing else."""
    waits: list[Suspended] = []
    for one in single(error):
        if not isinstance(one, Suspended):
            return None
        waits.append(one)
    return waits[0]
