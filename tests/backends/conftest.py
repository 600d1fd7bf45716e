"""The bench of the runner's tests, with the agents of `sample_agents` in child processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.backends import sample_agents
from tests.runner.conftest import Bench, bench, registry

__all__ = ["bench", "registry"]

Made = Callable[..., Any]


@pytest.fixture
def child_agent(bench: Bench) -> Made:
    """Makes an agent of `sample_agents` that runs in child processes."""

    async def make(name: str, configuration: str = '{"max_retries": 0}', **options: Any) -> UUID:
        bench.registry.register(getattr(sample_agents, name), name, **options)
        agent = await bench.agent_row(name, configuration=configuration)
        await bench.db.execute(
            'UPDATE ai_agents SET configuration = configuration || \'{"isolation": "process"}\''
        )
        return agent

    return make


def lives(pid: int) -> bool:
    """Whether there is a process of that number that is not merely uncollected."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
