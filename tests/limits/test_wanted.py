"""How many slots the work of now wants."""

from __future__ import annotations

from typing import Any

from oppspot_runner.queue import read
from tests.limits.conftest import Line


async def wanted(line: Line) -> dict[tuple[Any, ...], tuple[int, int, int]]:
    """Ready and running tasks and the slots that they want, by task_type and labels."""
    return {
        (row["task_type"], *row["labels"]): (row["ready"], row["running"], row["slots"])
        for row in await read.wanted_slots(line.db)
    }


async def attempts(line: Line, agent: Any, seconds: int) -> None:
    await line.connection.execute(
        "INSERT INTO agent_executions (agent_id, status, duration_ms)"
        " SELECT %s, 'completed', %s FROM generate_series(1, 3)",
        (agent, seconds * 1000),
    )


async def test_ready_work_wants_so_many_slots_that_it_begins_within_a_minute(line: Line) -> None:
    assert await wanted(line) == {}
    slow, fast, new = [await line.agent(name) for name in ("slow", "fast", "new")]
    await attempts(line, slow, 30)
    await attempts(line, fast, 2)
    await line.tasks(slow, 6)
    assert await wanted(line) == {("agent_execution",): (6, 0, 3)}
    await line.tasks(fast, 60, task_type="quick")
    assert (await wanted(line))["quick",] == (60, 0, 2)
    await line.tasks(new, 60, task_type="unseen")  # as long as the others on average
    assert (await wanted(line))["unseen",] == (60, 0, 16)
    await line.claim(3)
    assert (await wanted(line))["agent_execution",] == (3, 3, 5)


async def test_work_that_takes_no_time_wants_a_runner_too(line: Line) -> None:
    quick, new = await line.agent("quick"), await line.agent("new")
    await attempts(line, quick, 0)
    await line.tasks(quick, 1)
    await line.tasks(new, 1, task_type="unseen")
    assert await wanted(line) == {("agent_execution",): (1, 0, 1), ("unseen",): (1, 0, 1)}


async def test_what_may_not_run_wants_no_slots(line: Line) -> None:
    paused = await line.agent("paused")
    capped = await line.agent("capped", configuration='{"concurrency": 1}')
    gpu = await line.agent("gpu", configuration='{"labels": ["gpu"]}')
    for agent in (paused, capped, gpu):
        await attempts(line, agent, 60)
        await line.tasks(agent, 9)
    await line.tasks(capped, 9, scheduled_for="9999-01-01")
    await line.connection.execute("INSERT INTO task_pauses VALUES ('agent', %s)", (str(paused),))
    assert await wanted(line) == {
        ("agent_execution",): (9, 0, 1),
        ("agent_execution", "gpu"): (9, 0, 9),
    }
