"""How things stand, as much of it as whoever asks may know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from oppspot_runner.api.state import ApiState
from oppspot_runner.app.status import Status, read_fleet, read_share, read_status
from oppspot_runner.base.actor import Actor
from oppspot_runner.db.acting import BoundDatabase, acting


@asynccontextmanager
async def with_status(state: ApiState, actor: Actor) -> AsyncIterator[tuple[BoundDatabase, Status]]:
    """A read-only transaction of `actor`, and what `status` tells him."""
    if actor.is_operator:
        async with acting(state.database, actor, read_only=True) as database:
            yield database, await read_status(database, state.settings)
        return
    # Runners are nobody's: they are read before, so that no request holds two connections.
    fleet = await read_fleet(state.database, state.settings)
    async with acting(state.database, actor, read_only=True) as database:
        yield database, await read_share(database, fleet)
