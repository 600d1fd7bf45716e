"""Runs agents of platforms as the runner does, with what `Platforms` answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from oppspot_runner.agents.posts import PostAgent
from oppspot_runner.agents.web import WebAccess
from tests.posts.platforms import Platforms
from tests.streams.world import Steps, World, begin, finish


class PlatformRuns:
    """Attempts of one kind of agent, for a stream without a goal of its own."""

    def __init__(self, world: World, kind: type[PostAgent], platforms: Platforms) -> None:
        self.world = world
        self.kind = kind
        self.platforms = platforms
        self.stream_id: UUID | None = None

    async def begun(
        self, payload: Mapping[str, Any] | None = None, steps: Steps | None = None, **options: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        """The body of an attempt: agent, context, results."""
        if self.stream_id is None:
            self.stream_id = await self.world.stream()
        ctx = await self.world.context(self.kind, self.stream_id, steps=steps, **options)
        ctx = replace(ctx, payload=dict(payload or {}), http=cast(WebAccess, self.platforms))
        return await begin(self.kind, ctx)

    async def run(self, payload: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """An attempt to its written end; its results."""
        return await finish(self.world.db, *await self.begun(payload, **options))

    async def now_s(self) -> int:
        """The time of the database."""
        row = await self.world.one("SELECT extract(epoch FROM oppspot_now())::bigint AS now")
        return int(row["now"])

    async def items(self) -> list[dict[str, Any]]:
        """What is stored, by id."""
        return await self.world.all("SELECT * FROM source_items ORDER BY external_id")
