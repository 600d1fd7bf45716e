"""Who has the labels that an agent asks for takes its tasks, and nobody else."""

from __future__ import annotations

from json import dumps
from typing import Any

import pytest

from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.queue import members, store
from oppspot_runner.queue.abilities import Abilities
from oppspot_runner.queue.claiming import Claimer
from tests.limits.conftest import Line

GPU = Abilities(labels=["gpu", "eu"])


async def taken(line: Line, abilities: Abilities, limit: int = 9) -> list[str]:
    """The agents of the tasks that a runner of that kind gets, which are then put back."""
    async with line.connection.transaction(force_rollback=True):
        claimed = await Claimer(7, abilities).claim(line.connection, limit)
    return sorted(line.names[task.agent.id] for task in claimed.tasks if task.agent)


async def test_a_runner_needs_every_label_that_an_agent_asks_for(line: Line) -> None:
    for name, asked in (("any", "[]"), ("gpu", '["gpu"]'), ("both", '["eu", "gpu"]')):
        await line.tasks(await line.agent(name, configuration=f'{{"labels": {asked}}}'), 1)
    assert await taken(line, Abilities()) == ["any"]
    assert await taken(line, Abilities(labels=["gpu"])) == ["any", "gpu"]
    assert await taken(line, Abilities(labels=["eu"])) == ["any"]
    assert await taken(line, GPU) == ["any", "both", "gpu"]


async def test_who_waits_for_labels_stands_in_nobodys_way(line: Line) -> None:
    await line.tasks(await line.agent("gpu", configuration='{"labels": ["gpu"]}'), 50, priority=9)
    await line.tasks(await line.agent("any"), 3)
    assert await taken(line, Abilities(), limit=3) == ["any"] * 3
    assert await taken(line, GPU, limit=3) == ["gpu"] * 3


async def test_code_asks_for_labels_and_a_configuration_for_others(line: Line) -> None:
    """Also for none. What the code no longer asks for is forgotten; types of others stay."""
    await members.publish_labels(line.db, {"noop": ["gpu"], "other": []})
    await line.tasks(await line.agent("code"), 1)
    await line.tasks(await line.agent("none", configuration='{"labels": []}'), 1)
    await line.tasks(await line.agent("own", configuration='{"labels": ["eu"]}'), 1)
    assert await taken(line, Abilities()) == ["none"]
    assert await taken(line, Abilities(labels=["eu"])) == ["none", "own"]
    await members.publish_labels(line.db, {"other": []})
    assert await taken(line, Abilities()) == ["none"]
    await members.publish_labels(line.db, {"noop": [], "other": []})
    assert await taken(line, Abilities()) == ["code", "none"]


async def test_labels_follow_the_configuration(line: Line) -> None:
    agent = await line.agent("gpu")
    await line.tasks(agent, 1)
    change = "UPDATE ai_agents SET configuration = %s WHERE id = %s"
    for configuration, is_free in (
        ('{"labels": ["gpu"]}', False),
        ('{"labels": ["eu"]}', False),
        ('{"labels": []}', True),
        ('{"labels": ["gpu"], "other": 1}', False),
        (None, True),
        ('{"labels": ["gpu"]}', False),
        ("[]", True),
    ):
        await line.connection.execute(change, (configuration, agent))
        assert (await taken(line, Abilities()) == ["gpu"]) is is_free, configuration
    await line.connection.execute(change, ('{"labels": ["gpu"]}', agent))
    await line.connection.execute("DELETE FROM agent_tasks")
    await line.connection.execute("DELETE FROM ai_agents WHERE id = %s", (agent,))
    assert await line.one("SELECT count(*) FROM required_labels") == 0


@pytest.mark.parametrize("labels", ["gpu", ["a b"], [""], [7], [["gpu"]], {"gpu": 1}, ["x" * 64]])
async def test_labels_that_cannot_be_read_fail_their_tasks_by_name(line: Line, labels: Any) -> None:
    """They ask for nothing, so that somebody takes the task and says it."""
    with pytest.raises(ConfigurationError, match="labels"):
        AgentOptions().overridden({"labels": labels})
    read = await line.one("SELECT configured_labels(%s::jsonb)", dumps({"labels": labels}))
    assert read is None


async def test_a_place_of_a_key_is_not_held_by_who_waits_for_labels(line: Line) -> None:
    gpu = await line.agent("gpu", configuration='{"labels": ["gpu"]}')
    free = await line.agent("free")
    await line.db.execute(
        "INSERT INTO task_runners (host, pid, version, slots, poll_s, lease_s, beat_s, lease_until)"
        " VALUES ('here', 1, '1', 3, 5, 30, 5, oppspot_now() + interval '1 hour')"
    )
    may_start = "SELECT may_start(%s, 'agent_execution', NULL)"
    await line.at(0)
    assert [await line.one(may_start, one) for one in (gpu, free)] == [False, True]
    await line.db.execute("UPDATE task_runners SET labels = '{gpu}'")
    assert [await line.one(may_start, one) for one in (gpu, free)] == [True, True]


async def test_a_drain_does_not_wait_for_what_asks_for_other_labels(line: Line) -> None:
    await line.tasks(await line.agent("gpu", configuration='{"labels": ["gpu"]}'), 2)
    assert await store.is_drained(line.connection, Abilities())
    assert not await store.is_drained(line.connection, GPU)
    await Claimer(1, GPU).claim(line.connection, 2)
    assert await store.is_drained(line.connection, Abilities())
    assert not await store.is_drained(line.connection, GPU)


async def test_an_older_runner_leaves_what_demands_a_newer_protocol(line: Line) -> None:
    agent = await line.agent("any")
    await line.tasks(agent, 1, needs_protocol=2)
    await line.tasks(agent, 1)
    limited = await line.agent("limited", configuration='{"concurrency": 9}')
    for by_lanes in (False, True):
        if by_lanes:
            await line.tasks(limited, 1, needs_protocol=2)
        assert await taken(line, Abilities(protocol=1)) == ["any"]
        both = await taken(line, Abilities(protocol=2))
        assert both == ["any", "any", *["limited"] * by_lanes]
