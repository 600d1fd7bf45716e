"""What changed, for pages that show it: by kinds of things, seen from how they stand.

One look a second for each organisation that somebody follows, whatever their number; none else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import blake2s
from typing import Literal, get_args
from uuid import UUID

import structlog
from pydantic import BaseModel

from oppspot_runner.base.actor import Actor
from oppspot_runner.base.errors import OppspotError
from oppspot_runner.db.acting import acting
from oppspot_runner.db.cancelling import end_all
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import DATABASE_AWAY, DATABASE_ERROR, Database

LOOK = statement("changes/look")

Kind = Literal[
    "tasks",
    "runs",
    "streams",
    "agents",
    "schedules",
    "drafts",
    "signals",
    "notifications",
    "runners",
    "audit",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
LOOK_S = 1.0
Standing = Mapping[Kind, str]


class Changed(BaseModel):
    """Kinds of things of which something is not as it was at the message before."""

    changed: list[Kind]


def written(standing: Standing) -> str:
    """How things stand as the id of a message, which whoever was cut off brings back."""
    return ".".join(standing[kind] for kind in KINDS)


def since(told: str, standing: Standing) -> list[Kind]:
    """What changed since `told`; everything where another version told that."""
    before = told.split(".")
    if len(before) != len(KINDS):
        return list(KINDS)
    return [kind for kind, one in zip(KINDS, before, strict=True) if one != standing[kind]]


def _standing(row: Mapping[str, str | None]) -> Standing:
    return {kind: blake2s(str(row[kind]).encode(), digest_size=4).hexdigest() for kind in KINDS}


class Watch:
    """How things stand for one organisation, or for operators, as long as somebody follows."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.actors: list[Actor] = []
        self.standing: Standing | None = None
        self.looking: asyncio.Task[None] | None = None
        self._seen = asyncio.Event()

    async def look(self) -> None:
        """Looks again and again."""
        is_told = False
        while True:
            began = time.monotonic()
            try:
                async with acting(self.database, self.actors[-1], read_only=True) as database:
                    row = await database.fetch_one(LOOK)
                self._tell(_standing(row or {}))
                is_told = False
            except (DATABASE_ERROR, *DATABASE_AWAY, OppspotError) as error:
                if not is_told:
                    structlog.get_logger().error("changes are not seen", error=str(error))
                is_told = True
                self._tell(None)
            await asyncio.sleep(max(LOOK_S, 2 * (time.monotonic() - began)))

    def _tell(self, standing: Standing | None) -> None:
        self.standing = standing
        self._seen.set()
        self._seen = asyncio.Event()

    async def next(self) -> Standing | None:
        """How things stand at the next look; None where it could not be seen."""
        await self._seen.wait()
        return self.standing


class Changes:
    """What changed, for all who follow it in a process."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._watches: dict[UUID | None, Watch] = {}

    async def follow(
        self, actor: Actor, last_id: str | None
    ) -> AsyncGenerator[tuple[str, Changed], None]:
        """An id and what changed, at most once a second.

        The first message comes at once: what changed since `last_id`, or nothing, with an id to
        come back with. It ends when that cannot be seen any more, so that nobody takes what is old
        for what is.
        """
        async with self._watching(actor) as watch:
            if (standing := watch.standing or await watch.next()) is None:
                return
            told = written(standing)
            yield told, Changed(changed=since(last_id or told, standing))
            while (standing := await watch.next()) is not None:
                if changed := since(told, standing):
                    told = written(standing)
                    yield told, Changed(changed=changed)

    @asynccontextmanager
    async def _watching(self, actor: Actor) -> AsyncIterator[Watch]:
        watch = self._watches.get(actor.org_id)
        if watch is None:
            watch = self._watches[actor.org_id] = Watch(self.database)
            watch.looking = asyncio.get_running_loop().create_task(watch.look())
        watch.actors.append(actor)
        try:
            yield watch
        finally:
            watch.actors.remove(actor)
            if not watch.actors:
                del self._watches[actor.org_id]
                if watch.looking is not None:
                    await end_all({watch.looking})
