"""Agents that do the worst they can in a child: each ends as documented, the others go on."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oppspot_runner.base.events import TaskFinished
from oppspot_runner.runner.loop import Runner
from tests.backends.conftest import Made, child_agent, lives
from tests.runner.conftest import FAST, Bench, bench, registry

__all__ = ["bench", "child_agent", "registry"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("segfault", "the child process was killed by SIGSEGV"),
        ("exit", "the child process ended with exit code 3"),
        ("thread", "the child process ended with exit code 5"),
        ("killed", "the child process was killed by SIGKILL (by somebody, or by the system"),
    ],
)
async def test_a_child_that_dies_is_an_error_of_its_attempt_and_of_nobody_else(
    bench: Bench, child_agent: Made, how: str, told: str
) -> None:
    agent = await child_agent("dying", '{"max_retries": 1, "backoff": {"first": 0}}')
    neighbour = await child_agent("where")
    async with bench.running() as runner:
        beside = await bench.task(neighbour, payload='{"s": 1}')
        task = await bench.task(agent, payload=f'{{"how": "{how}"}}')
        row, fine = await bench.ended(task, beside)
        (after,) = await bench.ended(await bench.task(neighbour))
        assert runner.state == "running"
    assert (row["status"], row["retry_count"], row["crash_count"]) == ("failed", 1, 0)
    assert row["error_message"].startswith(told)
    assert [one["error_message"][: len(told)] for one in await bench.attempts(task)] == [told] * 2
    assert (fine["status"], after["status"]) == ("completed", "completed")


@pytest.mark.slow
async def test_a_child_that_ended_is_noticed_whatever_it_left_open(
    bench: Bench, child_agent: Made
) -> None:
    agent = await child_agent("forked_away")
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert row["error_message"] == "the child process ended with exit code 6"


@pytest.mark.slow
@pytest.mark.parametrize("payload", ["{}", '{"shared": true}'])
async def test_a_child_that_takes_memory_without_end_is_stopped_at_its_limit(
    bench: Bench, child_agent: Made, payload: str
) -> None:
    agent = await child_agent("greedy", '{"max_retries": 0, "memory_limit": "256MB"}')
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent, payload=payload))
    assert row["status"] == "failed"
    assert row["error_message"] == "used more than its memory limit of 256 MB"


async def forks(bench: Bench, agent: Any, tmp_path: Path) -> tuple[Any, list[int]]:
    """A task whose child has started others and hangs: its id, and all these processes."""
    note = tmp_path / "pids"
    task = await bench.task(agent, payload=f'{{"note": "{note}"}}')

    async def noted() -> bool:
        return note.exists()

    await bench.until(noted)
    pids = [int(word) for word in note.read_text().split()]
    assert len(pids) == 4
    assert all(lives(pid) for pid in pids)
    return task, pids


@pytest.mark.slow
async def test_the_hard_limit_kills_a_child_with_all_that_it_started(
    bench: Bench, child_agent: Made, tmp_path: Path
) -> None:
    agent = await child_agent("forking", '{"time_limit": 3, "max_retries": 0}')
    async with bench.running():
        task, pids = await forks(bench, agent, tmp_path)
        (row,) = await bench.ended(task)
        # A killed process may need a moment to be gone.
        await bench.until(lambda: asyncio.sleep(0, not any(map(lives, pids))))
    assert row["error_message"] == "the time limit of 3 s was exceeded"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reason", "status"),
    [("cancel", "cancelled"), ("stop", "pending"), ("taken back", "pending"), ("lost", "pending")],
)
async def test_whatever_ends_an_attempt_kills_its_child(
    bench: Bench, child_agent: Made, tmp_path: Path, reason: str, status: str
) -> None:
    agent = await child_agent("forking")
    async with bench.running(replace(FAST, slots=1)) as runner:
        task, pids = await forks(bench, agent, tmp_path)
        await end_by(reason, bench, runner, task)

        async def all_gone() -> bool:
            return not [pid for pid in pids if lives(pid)]

        await bench.until(all_gone)
    row = await bench.row(task)
    assert (row["status"], row["retry_count"]) == (status, 0)


async def end_by(reason: str, bench: Bench, runner: Runner, task: Any) -> None:
    later = "UPDATE agent_tasks SET status = 'pending', scheduled_for = '2999-01-01' WHERE id = %s"
    match reason:
        case "cancel":
            await bench.db.execute("SELECT cancel_task(%s, 'enough')", (task,))
        case "stop":
            runner.stop()
        case "taken back":
            await bench.db.execute(later, (task,))
        case "lost":
            await bench.db.execute(later, (task,))
            await bench.db.execute("UPDATE task_runners SET lease_until = now()")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["told_asleep", "told_busy", "told_awaiting", "told_blocking"])
async def test_a_child_is_told_of_its_soft_limit_whatever_it_does(
    bench: Bench, child_agent: Made, name: str
) -> None:
    soon = '{"soft_time_limit": 1, "time_limit": 20, "max_retries": 0}'
    agent, warming = await child_agent(name, soon), await child_agent("where")
    async with bench.running():
        await bench.ended(await bench.task(warming))
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    assert (await bench.attempts(task))[0]["output_data"]["told"] is True


@pytest.mark.slow
async def test_a_child_that_lets_it_through_has_an_error_and_is_replaced(
    bench: Bench, child_agent: Made
) -> None:
    agent = await child_agent(
        "untold", '{"soft_time_limit": 0.5, "time_limit": 20, "max_retries": 0}'
    )
    neighbour = await child_agent("where")
    async with bench.running(replace(FAST, slots=1)):
        before, told, after = [await bench.task(one) for one in (neighbour, agent, neighbour)]
        _, row, _ = await bench.ended(before, told, after)
    assert row["error_message"] == "the soft time limit of 0.5 s was exceeded"
    pids = [(await bench.attempts(one))[0]["output_data"]["pid"] for one in (before, after)]
    assert pids[0] != pids[1]


@pytest.mark.slow
async def test_a_child_that_never_returns_holds_up_nobody(bench: Bench, child_agent: Made) -> None:
    spinning = await child_agent("told_busy", '{"time_limit": 5, "max_retries": 0}')
    neighbour = await child_agent("where")
    async with bench.running(replace(FAST, slots=2)):
        hung = await bench.task(spinning)
        others = [await bench.task(neighbour) for _ in range(5)]
        await bench.ended(*others)
        (row,) = await bench.ended(hung)
    assert row["error_message"] == "the time limit of 5 s was exceeded"
    ended = [event.task.id for event in bench.happened(TaskFinished)]
    assert set(ended[:5]) == set(others)


@pytest.mark.slow
async def test_when_the_nursery_is_killed_its_children_go_and_the_next_ones_come(
    bench: Bench, child_agent: Made
) -> None:
    agent = await child_agent("where", '{"max_retries": 1, "backoff": {"first": 0}}')
    async with bench.running() as runner:
        first = await bench.task(agent)
        await bench.ended(first)
        pid = (await bench.attempts(first))[0]["output_data"]["pid"]
        nursery = runner.places.by_name["process"]._children._process  # type: ignore[attr-defined]
        task = await bench.task(agent, payload='{"s": 1}')

        async def begun() -> bool:
            return bool((await bench.row(task))["run_token"])

        await bench.until(begun)
        nursery.kill()
        (row,) = await bench.ended(task)
        assert row["status"] == "completed"

        async def gone() -> bool:
            return not lives(pid)

        await bench.until(gone)


@pytest.mark.slow
async def test_nothing_is_left_when_the_runner_ends(bench: Bench, child_agent: Made) -> None:
    agent = await child_agent("where")
    async with bench.running() as runner:
        tasks = [await bench.task(agent, payload='{"s": 0.3}') for _ in range(3)]
        await bench.ended(*tasks)
        nursery = runner.places.by_name["process"]._children._process  # type: ignore[attr-defined]
    pids = [(await bench.attempts(one))[0]["output_data"]["pid"] for one in tasks]
    assert not [pid for pid in (*pids, nursery.pid) if lives(pid)]
    assert os.getpid() not in pids
    assert asyncio.get_running_loop().is_running()
