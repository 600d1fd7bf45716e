"""What a check finds, and what it looks at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database

Severity = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `fix` is the SQL or the command that mends it.

    warn: it works, but worse than it could, or not for long. fail: tasks do not run as promised.
    """

    check: str
    severity: Severity
    text: str
    fix: str | None = None


@dataclass(frozen=True)
class Patient:
    """The database that is looked at, open, and the settings of this process."""

    database: Database
    settings: Settings


Check: TypeAlias = Callable[[Patient], Awaitable[list[Finding]]]
