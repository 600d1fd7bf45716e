"""A stream of agents by letters, and what is told of its runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from oppspot_runner.agents.context import Context
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.workflow.run_events import RunEvent
from tests.runner.conftest import Bench

Body = Callable[[Context], Awaitable[dict[str, Any]]]


class Story:
    """A stream whose agents do what `bodies` say, else return their own letter."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.bodies: dict[str, Body] = {}
        self.agents: dict[str, UUID] = {}
        self.stream: UUID
        self.client = AsyncClient(bench.db)

    async def lay(self, edges: dict[str, str], **bodies: Body) -> Story:
        """`edges` maps an agent to the letters that it depends on."""
        self.bodies = bodies

        async def teller(ctx: Context) -> dict[str, Any]:
            name = ctx.agent.name or ""
            body = self.bodies.get(name)
            return {"by": name} if body is None else await body(ctx)

        self.bench.registry.register(teller)
        self.stream = await self.client.create_stream("told")
        for place, (name, needs) in enumerate(edges.items()):
            row = await self.bench.db.fetch_one(
                "INSERT INTO ai_agents (name, agent_type) VALUES (%s, 'teller') RETURNING id",
                (name,),
            )
            assert row is not None
            self.agents[name] = row["id"]
            await self.bench.db.execute(
                "INSERT INTO stream_agent_assignments (stream_id, agent_id, execution_order,"
                " depends_on_agent_ids) VALUES (%s, %s, %s, %s)",
                (self.stream, row["id"], place, [self.agents[one] for one in needs]),
            )
        return self

    async def start(self) -> UUID:
        """Starts all; the id of the run."""
        return await self.client.run_stream(self.stream)

    async def told(self, run: UUID, after: int = 0, within_s: float = 15) -> list[RunEvent]:
        """All that is told of the run until it ends."""
        async with asyncio.timeout(within_s):
            return [event async for event in self.client.follow(run, after)]

    async def until(self, run: UUID, kind: str, after: int = 0) -> RunEvent:
        """The first event of that kind."""
        async with asyncio.timeout(15):
            async for event in self.client.follow(run, after):
                if event.type == kind:
                    return event
        raise AssertionError(f"no {kind} was told of")


def short(events: list[RunEvent]) -> list[str]:
    """Events as words: `A queued`, `A chunk`, `completed`."""
    return [f"{event.agent_name or ''} {word(event)}".strip() for event in events]


def word(event: RunEvent) -> str:
    return str(event.data["status"]) if event.type == "status" else event.type
