"""The main loop: claim, run, settle; never more than its slots; stop, pause, rescue."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.runner.conftest import FAST, Bench


async def test_an_inserted_row_is_completed_with_its_output(bench: Bench) -> None:
    async def answer(ctx: Any) -> dict[str, Any]:
        return {"found": 3, "name": "x"}

    agent = await bench.agent(answer)
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed"
    (attempt,) = await bench.attempts(task)
    assert attempt["output_data"] == {"found": 3, "name": "x"}
    assert attempt["results_summary"] == {"found": 3}
    assert attempt["attempt"] == 1
