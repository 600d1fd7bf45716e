"""Watchers that see what a test tells them to, and scouts that have only such ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.scout import ScoutAgent
from oppspot_runner.agents.scout_options import ScoutOptions
from oppspot_runner.agents.watchers import Watcher
from oppspot_runner.companies.company import Company
from oppspot_runner.signals.sighting import Look, Memory, Sighting

Says = Callable[[Company, Memory, Context], Look | None]


def sighting(
    now: datetime, key: str = "1", *, signal_type: str = "job_posting", **more: Any
) -> Sighting:
    """What one source tells: by default a job that nobody can doubt."""
    values = {"source": "eye", "title": f"event {key}", "strength": "moderate", "confidence": 90}
    return Sighting(signal_type, key=key, occurred_at=now, event=key, **{**values, **more})


def one_job(company: Company, memory: Memory, ctx: Context) -> Look:
    """Sees the same job whenever it looks."""
    return Look((sighting(ctx.task.started_at),))


class Eye:
    """A watcher. It first asks `web_source`, where it has one, about the company by its name."""

    every: timedelta = timedelta(days=1)

    def __init__(
        self,
        says: Says = one_job,
        name: str = "eye",
        *,
        types: tuple[str, ...] = ("job_posting",),
        web_source: str | None = None,
    ) -> None:
        self.says, self.name, self.types, self.web_source = says, name, types, web_source
        self.looked: list[str] = []

    async def look(self, company: Company, memory: Memory, ctx: Context) -> Look | None:
        if self.web_source == "web":
            await ctx.http.page(f"{self.name}/{company.name}")
        elif self.web_source is not None:
            await ctx.http.get(self.web_source, f"{self.name}/{company.name}")
        self.looked.append(company.name)
        return self.says(company, memory, ctx)


def scouting(*eyes: Watcher) -> type[ScoutAgent]:
    """A scout with these watchers and no others."""

    class Scout(ScoutAgent):
        agent_type: ClassVar[str] = ""

        @classmethod
        def watchers(cls, options: ScoutOptions) -> tuple[Watcher, ...]:
            return eyes

    Scout.agent_type = "scout_agent"
    return Scout
