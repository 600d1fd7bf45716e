"""Changes of what may be started: agents, types and organisations are paused and go on."""

from __future__ import annotations

from oppspot_runner.api.changing import Change
from oppspot_runner.queue import control
from oppspot_runner.queue.control import Scope


async def pause(change: Change, scope: Scope, key: str, reason: str | None = None) -> bool:
    """From now on nothing of `key` starts; whether there is something of that name."""
    known = await control.pause(change.database, scope, key, reason)
    await change.record(f"{scope}.pause", scope, key, after={"paused": True, "reason": reason})
    return known


async def resume(change: Change, scope: Scope, key: str) -> bool:
    """Takes a pause away, and of an agent closes the breaker; False when there was neither."""
    changed = await control.resume(change.database, scope, key)
    if changed:
        await change.record(f"{scope}.resume", scope, key, before={"paused": True})
    return changed
