"""Batches in child processes."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from structlog.testing import capture_logs

from oppspot_runner.observe import logging
from tests.backends.conftest import Made
from tests.runner.conftest import Bench


@pytest.mark.slow
async def test_every_task_of_a_batch_has_its_own_context_in_the_child(
    bench: Bench, child_agent: Made
) -> None:
    agent = await child_agent("many", batch=10)
    texts = ["a", "a b", "", "a b c"]
    logging.set_up("json", "info")
    try:
        with capture_logs() as lines:
            async with bench.running():
                tasks = [
                    await bench.task(agent, payload=json.dumps({"text": text}), priority=1)
                    for text in texts
                ]
                rows = await bench.ended(*tasks)
    finally:
        logging.set_up("json", "error")
    assert [row["status"] for row in rows] == ["completed", "completed", "failed", "completed"]
    assert rows[2]["error_message"] == "no words"
    outputs: list[Any] = [(await bench.attempts(task))[-1]["output_data"] for task in tasks]
    assert [one and one["words"] for one in outputs] == [1, 2, None, 3]
    assert os.getpid() not in {one["pid"] for one in outputs if one}
    steps = await bench.db.fetch_all("SELECT task_id, result FROM agent_steps")
    assert {row["task_id"]: row["result"] for row in steps} == {
        task: text.split() for task, text in zip(tasks, texts, strict=True)
    }
    said = {
        str(line["task_id"]): line["text"] for line in lines if line["event"] == "said by the agent"
    }
    assert said == {str(task): text for task, text in zip(tasks, texts, strict=True)}


@pytest.mark.slow
async def test_a_child_that_dies_is_an_error_of_the_whole_batch(
    bench: Bench, child_agent: Made
) -> None:
    agent = await child_agent("deadly", batch=10)
    tasks = [await bench.task(agent) for _ in range(3)]
    async with bench.running():
        rows = await bench.ended(*tasks)
    assert {row["error_message"] for row in rows} == {"the child process ended with exit code 3"}
