"""Waits of an agent that hold no slot: what became of one, and how it ends the attempt."""

from __future__ import annotations

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


def suspension(error: BaseException) -> Suspended | None:
    """The first wait in `error`, when that is one or a group of nothing else."""
    if isinstance(error, BaseExceptionGroup):
        parts = [suspension(one) for one in error.exceptions]
        return parts[0] if all(parts) else None
    return error if isinstance(error, Suspended) else None
