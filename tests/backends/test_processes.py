"""Bodies in child processes: what crosses the border, who is warm, who is replaced."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from oppspot_runner.agents.context import Context
from oppspot_runner.backends.processes import FACTS
from oppspot_runner.observe import logging
from tests.backends.conftest import Made
from tests.runner.conftest import FAST, Bench


async def output(bench: Bench, task: Any) -> Any:
    return (await bench.attempts(task))[-1]["output_data"]


@pytest.mark.slow
async def test_step_progress_input_logs_and_outcomes_cross(bench: Bench, child_agent: Made) -> None:
    agent = await child_agent("plain", "{}")
    logging.set_up("json", "info")
    try:
        with capture_logs() as lines:
            async with bench.running():
                task = await bench.task(agent, payload='{"text": "a b c"}')
                (row,) = await bench.ended(task)
    finally:
        logging.set_up("json", "error")
    assert row["status"] == "completed", row["error_message"]
    assert row["retry_count"] == 1
    assert await output(bench, task) == {"words": ["a", "b", "c"], "attempt": 2, "calls": 1}
    said = {line["event"]: line for line in lines if line["event"].startswith("said")}
    assert set(said) == {"said by the agent", "said by the module", "said by the library"}
    assert said["said by the agent"]["words"] == 3
    assert said["said by the library"]["logger"] == "their.library"
    assert {str(line["task_id"]) for line in said.values()} == {str(task)}
    assert {line["log_level"] for line in said.values()} == {"info", "warning"}


@pytest.mark.slow
async def test_stores_of_the_task_answer_in_the_child(bench: Bench, child_agent: Made) -> None:
    agent = await child_agent("stores")
    stream = await bench.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    assert stream is not None
    async with bench.running():
        task = await bench.task(agent, stream_id=stream["id"])
        without = await bench.task(agent)
        row, other = await bench.ended(task, without)
    assert row["status"] == "completed", row["error_message"]
    found = await output(bench, task)
    insight = await bench.db.fetch_one("SELECT id::text, title FROM stream_insights")
    assert insight == {"id": found["insight"], "title": "seen from a child"}
    assert (found["items"], found["company"]) == (0, None)
    assert other["error_message"] == "this agent works on a stream, but the task has no stream_id"


async def test_a_class_keeps_its_attributes_and_saves_in_the_runner(
    bench: Bench, child_agent: Made
) -> None:
    agent = await child_agent("Keeping")
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    saved = await bench.db.fetch_all("SELECT * FROM found")
    assert [one["task_id"] for one in saved] == [task]
    assert saved[0]["pid"] != os.getpid()
    assert (await output(bench, task))["saved_by"] == os.getpid()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ('{"lock": true}', "the agent's attribute 'lock' cannot leave the child"),
        ('{"bomb": true}', "cannot be read on the other side: ValueError: not here"),
    ],
)
async def test_results_that_cannot_cross_are_an_error_that_says_why(
    bench: Bench, child_agent: Made, payload: str, told: str
) -> None:
    agent = await child_agent("Keeping")
    async with bench.running():
        task = await bench.task(agent, payload=payload)
        fine = await bench.task(agent)
        row, other = await bench.ended(task, fine)
    assert row["status"] == "failed"
    assert told in row["error_message"]
    assert other["status"] == "completed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "status", "told"),
    [
        ("fail", "failed", "no address"),
        ("snooze", "pending", None),
        ("error", "failed", "ValueError: odd (line "),
        ("returned", "failed", "no sense"),
        ("sys.exit", "failed", "the agent called exit(4)"),
        ("cancelled", "failed", "the agent cancelled itself"),
        ("base", "failed", "Alarming: not even an Exception"),
        ("lock", "completed", None),
        ("none", "completed", None),
    ],
)
async def test_every_ending_is_the_same_as_in_the_runner(
    bench: Bench, child_agent: Made, how: str, status: str, told: str | None
) -> None:
    agent = await child_agent("ending")
    async with bench.running():
        task = await bench.task(agent, payload=f'{{"how": "{how}"}}')

        async def settled() -> bool:
            return [one["status"] for one in await bench.attempts(task)] not in ([], ["running"])

        await bench.until(settled)
    row = await bench.row(task)
    assert row["status"] == status
    assert told is None or row["error_message"].startswith(told)


@pytest.mark.slow
async def test_a_child_is_warm_and_there_are_no_more_than_ran_at_once(
    bench: Bench, child_agent: Made
) -> None:
    agent = await child_agent("where")
    async with bench.running():
        one_by_one = []
        for _ in range(3):
            task = await bench.task(agent)
            await bench.ended(task)
            one_by_one.append(await output(bench, task))
        tasks = [await bench.task(agent, payload='{"s": 0.3}') for _ in range(6)]
        await bench.ended(*tasks)
        at_once = [await output(bench, task) for task in tasks]
    assert len({one["pid"] for one in one_by_one}) == 1
    assert [one["served"] for one in one_by_one] == [1, 2, 3]
    assert len({one["pid"] for one in at_once}) == FAST.slots


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "pids"), [("recycle_after", 2), ("recycle_memory", 4), ("nothing", 1)]
)
async def test_a_child_is_replaced_after_so_many_tasks_or_bytes(
    bench: Bench, child_agent: Made, options: str, pids: int
) -> None:
    values = {"recycle_after": '"recycle_after": 2', "recycle_memory": '"recycle_memory": "1MB"'}
    agent = await child_agent("where", f"{{{values.get(options, '')}}}")
    seen = set()
    async with bench.running(replace(FAST, slots=1)):
        for _ in range(4):
            task = await bench.task(agent)
            (row,) = await bench.ended(task)
            assert row["status"] == "completed", row["error_message"]
            seen.add((await output(bench, task))["pid"])
    assert len(seen) == pids


async def test_an_agent_that_no_other_process_can_import_says_so(bench: Bench) -> None:
    async def inside(ctx: Any) -> dict[str, Any]:
        return {}

    agent = await bench.agent(inside, isolation="process")
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert row["status"] == "failed"
    assert "it is defined inside a function. Define it at the top level" in row["error_message"]


async def test_a_child_has_nothing_of_the_runner_but_its_border(
    bench: Bench, child_agent: Made
) -> None:
    agent = await child_agent("looking")
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    # The border, and the pairs with which two event loops wake themselves.
    assert await output(bench, task) == {
        "sockets": 5,
        "psycopg": False,
        "is_leader": True,
        "threads": ["MainThread", "oppspot-border"],
    }


def test_every_field_of_the_context_crosses_in_one_way_or_another() -> None:
    """Whoever adds one decides: plain data goes with the ticket, the rest is asked for."""
    asked_for = {"journal", "stores", "_log", "_model_calls", "_tool_calls", "http"}
    made_there = {"_waiting", "_suspended"}
    assert {one.name for one in fields(Context)} == {*FACTS, *asked_for, *made_there}


async def test_a_memory_limit_where_it_cannot_be_kept_is_refused(bench: Bench) -> None:
    async def anywhere(ctx: Any) -> dict[str, Any]:
        return {}

    agent = await bench.agent(anywhere, configuration='{"memory_limit": "512MB"}')
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert "memory_limit needs isolation='process'" in row["error_message"]
