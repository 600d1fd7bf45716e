"""A runner that was taken for dead goes on with what people asked of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from oppspot_runner.agents.context import Context
from oppspot_runner.base.events import LeaseLost, RunnerStarted, RunnerState
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import members
from tests.runner.conftest import FAST, Bench

SHORT = replace(FAST, lease_s=2, poll_s=0.2)
TAKEN_FOR_DEAD = "UPDATE task_runners SET desired = %s, lease_until = now() - interval '1 s'"
STATE = "SELECT state FROM task_runners WHERE id = %s"


async def _starts(bench: Bench, often: int) -> int:
    """Waits until it joined so often; its newest id."""

    async def has_joined() -> bool:
        return len(bench.happened(RunnerStarted)) >= often

    await bench.until(has_joined)
    return int(bench.happened(RunnerStarted)[-1].runner_id)


async def test_one_that_was_paused_takes_nothing_until_it_is_resumed(bench: Bench) -> None:
    async def quick(ctx: Context) -> dict[str, Any]:
        return {}

    async def is_lost() -> bool:
        return bool(bench.happened(LeaseLost))

    async def is_paused() -> bool:
        return await bench.db.fetch_one(STATE, (now,)) == {"state": "paused"}

    agent = await bench.agent(quick)
    async with bench.running(SHORT):
        await _starts(bench, 1)
        await bench.db.execute(TAKEN_FOR_DEAD, ("pause",))
        await bench.until(is_lost)
        waits = await bench.task(agent)
        now = await _starts(bench, 2)
        await bench.until(is_paused)
        assert (await bench.row(waits))["status"] == "pending"
        await members.ask(bench.db, "run", [now])
        await bench.ended(waits)


async def test_one_that_was_to_stop_while_it_was_frozen_stops_when_it_wakes(bench: Bench) -> None:
    async def has_stopped() -> bool:
        return any(one.state == "stopped" for one in bench.happened(RunnerState))

    async with bench.running(SHORT) as runner:
        await _starts(bench, 1)
        await bench.db.execute(TAKEN_FOR_DEAD, ("stop",))
        await bench.until(has_stopped)
        assert runner.stop_asked == 1


async def test_one_that_could_not_leave_finds_what_was_asked_in_its_row(db: Database) -> None:
    old = await members.register(db, FAST.facts())
    await members.ask(db, "pause")
    assert (await members.register(db, FAST.facts(), old.id)).desired == "pause"
    assert (await members.register(db, FAST.facts())).desired == "run"
