"""What the opportunity bot is told: where to look, and what for."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.goal import config_of, goal_of
from oppspot_runner.base.errors import Fail
from oppspot_runner.companies.criteria import Goal
from oppspot_runner.connectors.companies_house import REGISTER

OWN = "companies"  # the companies that we know already
SOURCES = (OWN, REGISTER)


class SearchConfig(BaseModel):
    """`execution_config` of a run. `limit` takes the place of companies_to_find."""

    model_config = ConfigDict(extra="allow")

    limit: int | None = Field(None, ge=1, le=100_000)
    dry_run: bool = False
    cursor: UUID | None = None
    sources: list[str] | None = None

    @property
    def asked(self) -> Sequence[str]:
        """Who is asked: everybody, unless `sources` says otherwise."""
        return SOURCES if self.sources is None else self.sources


def search_config(ctx: Context) -> SearchConfig:
    """The configuration of the task. Raises Fail for one that cannot be used."""
    config, known = config_of(SearchConfig, ctx), ", ".join(SOURCES)
    if unknown := sorted(set(config.asked) - set(SOURCES)):
        raise Fail(f"execution_config.sources: unknown {', '.join(unknown)}; known: {known}")
    if not config.asked:
        raise Fail(f"execution_config.sources: it is empty; known: {known}")
    return config


def search_goal(ctx: Context) -> Goal:
    """The goal of the task. Raises Fail for one without criteria."""
    goal = goal_of(ctx)
    if not goal.criteria.names():
        raise Fail(
            "the goal has no criteria, so every company would match; "
            "set goal_criteria of the stream, for example industry and location"
        )
    return goal
