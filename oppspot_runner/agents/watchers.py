"""What ScoutAgent asks about each company: a watcher for each kind of source."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Protocol

from oppspot_runner.agents.context import Context
from oppspot_runner.companies.company import Company
from oppspot_runner.signals.sighting import Look, Memory


class Watcher(Protocol):
    """Looks at one company in one kind of source. Made anew for each attempt.

    `types` are the signals that it may see; `web_source` the source whose keys it needs, None when
    it needs none; a company is not looked at again before `every` has passed.
    """

    name: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    web_source: ClassVar[str | None]
    every: ClassVar[timedelta]

    async def look(self, company: Company, memory: Memory, ctx: Context) -> Look | None:
        """What the source says now; None when it says nothing about such a company.

        The company comes with all of its facts (`recorded`). Raises SourceError and
        RateLimitExceededError, which say nothing about the company: nothing is closed by them.
        """
        ...
