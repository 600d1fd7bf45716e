"""What holds tasks back: pauses and limits."""

from __future__ import annotations

from fastapi import Depends

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies import holds as bodies
from oppspot_runner.api.changes import limits, pauses
from oppspot_runner.api.changing import Change, ChangingRoute, TheChange
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.paging import Cursor, Limit, Page, page_within
from oppspot_runner.api.routing import Routes
from oppspot_runner.base.payload import identifier
from oppspot_runner.limits import task_limits
from oppspot_runner.queue import control
from oppspot_runner.streams import directory

READ, ADMIN = [Depends(needs("read"))], [Depends(needs("admin"))]
of_pauses = Routes(prefix="/api/v1/pauses", tags=["pauses"], route_class=ChangingRoute)
of_limits = Routes(prefix="/api/v1/limits", tags=["limits"], route_class=ChangingRoute)


@of_pauses.get("", dependencies=READ)
async def list_pauses(
    database: Reading, limit: Limit = 50, cursor: Cursor = None
) -> Page[bodies.PauseBody]:
    """What is paused now: agents, types, organisations."""
    rows = await control.pauses(database)
    return page_within(
        bodies.PauseBody, rows, limit, cursor, lambda row: [row["scope"], row["key"]]
    )


@of_pauses.post("", dependencies=ADMIN)
async def pause(body: bodies.NewPause, change: TheChange) -> bodies.Paused:
    """Lets nothing of it start from now on. What runs goes on."""
    key = await _exact(change, body.scope, body.key)
    known = await pauses.pause(change, body.scope, key, body.reason)
    return bodies.Paused(scope=body.scope, key=key, known=known)


@of_pauses.delete("/{scope}/{key:path}", dependencies=ADMIN)
async def resume(scope: control.Scope, key: str, change: TheChange) -> bodies.Removed:
    """Ends a pause; of an agent it also closes the circuit breaker."""
    exact = await _exact(change, scope, key)
    changed = await pauses.resume(change, scope, exact)
    return bodies.Removed(scope=scope, key=exact, changed=changed)


@of_limits.get("", dependencies=READ)
async def list_limits(
    database: Reading, limit: Limit = 50, cursor: Cursor = None
) -> Page[bodies.LimitBody]:
    """All limits, with what runs under each now."""
    rows = await task_limits.list_limits(database)
    return page_within(
        bodies.LimitBody, rows, limit, cursor, lambda row: [row["scope"], row["key"]]
    )


@of_limits.post("", dependencies=ADMIN)
async def set_limit(body: bodies.NewLimit, change: TheChange) -> bodies.LimitSet:
    """Sets a limit, in place of what was set before."""
    key = await _exact(change, body.scope, body.key)
    chosen = task_limits.Limit(body.concurrency, body.rate, body.burst, body.weight)
    await limits.set_limit(change, body.scope, key, chosen)
    return bodies.LimitSet(scope=body.scope, key=key)


@of_limits.delete("/{scope}/{key:path}", dependencies=ADMIN)
async def remove_limit(scope: task_limits.Scope, key: str, change: TheChange) -> bodies.Removed:
    """Takes away a limit that people set."""
    exact = await _exact(change, scope, key)
    changed = await limits.remove(change, scope, exact)
    return bodies.Removed(scope=scope, key=exact, changed=changed)


async def _exact(change: Change, scope: str, key: str) -> str:
    """The key as the tables have it. Organisations hold back their own agents and nothing else."""
    if scope == "agent":
        return str(await change.client.run(directory.find_agent(key)))
    if not change.actor.is_operator:
        raise ApiError(ApiCode.FORBIDDEN, "only agents: the rest wants an operator's token")
    return str(identifier(key, "the organisation")) if scope == "org" else key
