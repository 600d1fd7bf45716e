"""Tasks of agent types that this runner does not know, while a live runner does.

Side by side with a newer release, or with a runner that imports other modules, it is not the one to
fail them.
"""

from __future__ import annotations

from oppspot_runner.base.outcome import Release
from oppspot_runner.base.task import Task
from oppspot_runner.queue import store
from oppspot_runner.runner.tools import Tools


async def left_to_others(tools: Tools, task: Task) -> Release | None:
    """How an attempt of such a task ends. From then on this runner claims none of them."""
    agent_type = task.agent.agent_type if task.agent is not None else None
    if not agent_type or tools.registry.knows(agent_type):
        return None

    async def is_known() -> bool:
        async with tools.database.connection() as connection:
            return await store.is_known_elsewhere(connection, task)

    if not await tools.patience.through(is_known):
        return None
    tools.beware()
    return Release(f"another runner knows the agent type {agent_type}, this one does not")
