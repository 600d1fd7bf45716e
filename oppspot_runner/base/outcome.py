"""How an attempt ended, as a value. One `match` (queue/settlement.py) turns it into a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Done:
    """The agent returned `output`, a JSON object."""

    output: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Retry:
    """An error. Uses a retry; without one left the task fails. `after_s` None = back-off.

    `kind` says what sort of error it was, in a word: the class of an exception, or a code.
    """

    error: str
    after_s: float | None = None
    output: dict[str, Any] | None = None
    kind: str = field(default="Retry", compare=False)


@dataclass(frozen=True)
class Snooze:
    """Not now: at `until`, or `after_s` seconds from now. Uses no retry."""

    reason: str
    until: datetime | None = None
    after_s: float | None = None


@dataclass(frozen=True)
class Fail:
    """An error that no retry can mend; its `kind` as of Retry."""

    error: str
    output: dict[str, Any] | None = None
    kind: str = field(default="Fail", compare=False)


@dataclass(frozen=True)
class Cancel:
    """Somebody asked for this task to end."""

    reason: str


@dataclass(frozen=True)
class Release:
    """Given back unfinished, because the runner stops. Charges nothing."""

    reason: str


Outcome: TypeAlias = Done | Retry | Snooze | Fail | Cancel | Release
