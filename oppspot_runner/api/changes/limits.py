"""Changes of limits on tasks."""

from __future__ import annotations

from dataclasses import asdict

from oppspot_runner.api.changing import Change
from oppspot_runner.limits import task_limits
from oppspot_runner.limits.task_limits import Limit, Scope


async def set_limit(change: Change, scope: Scope, key: str, limit: Limit) -> None:
    """From now on `limit` holds for `key`. Raises what `task_limits.set_limit` raises."""
    await task_limits.set_limit(change.database, scope, key, limit)
    await change.record("limit.set", scope, key, after=asdict(limit))


async def remove(change: Change, scope: Scope, key: str) -> bool:
    """Takes away what people set; False when there was none. Raises ConflictError."""
    removed = await task_limits.remove_limit(change.database, scope, key)
    if removed:
        await change.record("limit.remove", scope, key)
    return removed
