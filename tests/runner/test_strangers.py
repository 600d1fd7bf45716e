"""Runners that know different agents, as in the middle of an upgrade."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.registry import Registry
from oppspot_runner.base.events import TaskFinished
from oppspot_runner.base.outcome import Release
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import members
from oppspot_runner.runner.loop import Runner
from tests.runner.conftest import FAST, Bench


async def known(ctx: Context) -> dict[str, Any]:
    return {}


async def only_new(ctx: Context) -> dict[str, Any]:
    return {}


async def both_are_there(bench: Bench) -> None:
    async def are_two() -> bool:
        row = await bench.db.fetch_one("SELECT count(*) AS n FROM task_runners")
        return row is not None and row["n"] == 2

    await bench.until(are_two)


async def is_asked(bench: Bench, runner: Runner, wanted: str, state: str) -> None:
    """As people ask it: its own word would hold until the next heartbeat alone."""

    async def obeys() -> bool:
        if runner.runner_id and not asked:
            asked.append(await members.ask(bench.db, wanted, [runner.runner_id]))
        return runner.state == state and bool(asked)

    asked: list[object] = []
    await bench.until(obeys)


async def test_a_runner_leaves_agents_that_it_does_not_know_to_who_does(
    bench: Bench, db: Database
) -> None:
    """The first one it gives back uncharged, the others it does not even claim."""
    old = await bench.agent(known)
    newer = Bench(db, Registry())
    new = await newer.agent(only_new)
    async with newer.running() as second, bench.running():
        await both_are_there(bench)
        await is_asked(bench, second, "pause", "paused")
        tasks = [await bench.task(new, priority=9) for _ in range(20)]

        async def gave_back() -> bool:
            return bench.happened(TaskFinished) != []

        await bench.until(gave_back)
        await bench.ended(*[await bench.task(old) for _ in range(5)])
        given_back = [one for one in bench.happened(TaskFinished) if one.task.agent.id == new]
        assert 1 <= len(given_back) <= FAST.slots
        assert {type(one.outcome) for one in given_back} == {Release}
        await is_asked(bench, second, "run", "running")
        rows = await bench.ended(*tasks)
    assert {(row["status"], row["retry_count"], row["crash_count"]) for row in rows} == {
        ("completed", 0, 0)
    }


async def test_what_nobody_knows_fails_and_names_the_known_ones(bench: Bench, db: Database) -> None:
    """Also when somebody else knew it who is gone, or does not serve its type."""
    await bench.agent(known)
    newer = Bench(db, Registry())
    new = await newer.agent(only_new)
    async with bench.running():
        async with newer.running(replace(FAST, task_types=("other",))):
            await both_are_there(bench)
            (row,) = await bench.ended(await bench.task(new))
        assert row["status"] == "failed"
        assert "known" in row["error_message"]
        async with newer.running() as second:
            await both_are_there(bench)
            await is_asked(bench, second, "pause", "paused")
            left = await bench.task(new)

            async def gave_back() -> bool:
                return any(isinstance(e.outcome, Release) for e in bench.happened(TaskFinished))

            await bench.until(gave_back)
        (row,) = await bench.ended(left)
        assert row["status"] == "failed"
