"""Soft and hard limits in a runner: who is told how, what counts as the result, what is left."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.work_time import SoftTimeLimitError
from tests.runner.conftest import Bench

SOON = '{"soft_time_limit": 0.2, "time_limit": 30, "max_retries": 0}'


async def test_what_an_agent_returns_while_it_cleans_up_is_its_result(bench: Bench) -> None:
    async def careful(ctx: Any) -> dict[str, Any]:
        try:
            await asyncio.Event().wait()
        except SoftTimeLimitError:
            await ctx.progress(1, 2, "half")
            return {"partial": True, "left": ctx.time_left}
        return {}

    agent = await bench.agent(careful, configuration=SOON)
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed"
    assert (await bench.attempts(task))[0]["output_data"] == {"partial": True, "left": 0}


async def test_an_agent_that_lets_it_through_has_an_error(bench: Bench) -> None:
    async def careless(ctx: Any) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    agent = await bench.agent(careless, configuration=SOON)
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert row["status"] == "failed"
    assert row["error_message"] == "the soft time limit of 0.2 s was exceeded"


async def test_an_agent_that_goes_on_is_cut_off_at_the_hard_limit(bench: Bench) -> None:
    async def deaf(ctx: Any) -> dict[str, Any]:
        try:
            await asyncio.Event().wait()
        except SoftTimeLimitError:
            await asyncio.Event().wait()
        return {}

    soon = '{"soft_time_limit": 0.1, "time_limit": 0.3, "max_retries": 0}'
    agent = await bench.agent(deaf, configuration=soon)
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert row["error_message"] == "the time limit of 0.3 s was exceeded"


async def test_a_class_is_told_and_its_results_are_saved(bench: Bench) -> None:
    saved: list[dict[str, Any]] = []

    class Careful(Agent):
        async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
            try:
                await asyncio.Event().wait()
            except SoftTimeLimitError:
                return {"partial": True}
            return {}

        async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
            saved.append(results)
            return True

    bench.registry.register(Careful, "careful")
    agent = await bench.agent_row("careful", configuration=SOON)
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert row["status"] == "completed"
    assert saved == [{"partial": True}]


async def test_a_plain_function_is_told_by_its_context(bench: Bench) -> None:
    def working(ctx: Any) -> dict[str, Any]:
        try:
            while True:
                ctx.progress(1)
        except SoftTimeLimitError:
            ctx.progress(2, 2)  # told once: from here on the context works again
            return {"partial": True}

    agent = await bench.agent(working, configuration=SOON)
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed"
    assert (await bench.attempts(task))[0]["output_data"] == {"partial": True}


async def test_a_step_that_ended_too_late_is_remembered_before_its_function_is_told(
    bench: Bench,
) -> None:
    def paying(ctx: Any) -> dict[str, Any]:
        answer = ctx.step("ask", ask)
        ctx.progress(1)
        return {"answer": answer}

    def ask() -> int:
        asked.append(1)
        threading.Event().wait(1.2 if len(asked) == 1 else 0)
        return 42

    asked: list[int] = []
    agent = await bench.agent(
        paying, configuration='{"soft_time_limit": 1, "backoff": {"first": 0}}'
    )
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed"
    assert [one["error_message"] for one in await bench.attempts(task)] == [
        "the soft time limit of 1 s was exceeded",
        None,
    ]
    assert asked == [1]


async def test_a_coroutine_in_a_thread_of_its_own_awaits_its_context_and_is_told(
    bench: Bench,
) -> None:
    async def apart(ctx: Any) -> dict[str, Any]:
        words = await ctx.step("split", str.split, "a b")
        await ctx.progress(1, 2)
        try:
            await asyncio.Event().wait()
        except SoftTimeLimitError:
            return {"words": words, "apart": threading.current_thread() is not loop_thread}
        return {}

    loop_thread = threading.current_thread()
    agent = await bench.agent(apart, configuration=SOON, isolation="thread")
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    output = (await bench.attempts(task))[0]["output_data"]
    assert output == {"words": ["a", "b"], "apart": True}


async def test_a_class_in_a_thread_saves_in_the_loop_of_the_runner(bench: Bench) -> None:
    class Apart(Agent):
        async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
            await self.ctx.progress(1, 2)
            return {"apart": threading.current_thread() is not loop_thread}

        async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
            await tx.execute("SELECT 1")
            results["saved_apart"] = threading.current_thread() is not loop_thread
            results["same_context"] = self.ctx is ctx
            return True

    loop_thread = threading.current_thread()
    bench.registry.register(Apart, "apart")
    agent = await bench.agent_row("apart", configuration='{"isolation": "thread"}')
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    output = (await bench.attempts(task))[0]["output_data"]
    assert output == {"apart": True, "saved_apart": False, "same_context": True}


async def test_a_thread_that_hangs_is_counted_until_its_next_call_ends_it(bench: Bench) -> None:
    hangs, ended = threading.Event(), threading.Event()

    def hanging(ctx: Any) -> dict[str, Any]:
        try:
            hangs.wait(30)
            ctx.progress(1)
        except asyncio.CancelledError as error:
            seen.append(str(error))
        ended.set()
        return {}

    seen: list[str] = []
    agent = await bench.agent(hanging, configuration='{"time_limit": 0.1, "max_retries": 0}')
    async with bench.running() as runner:
        before = runner.hanging
        (row,) = await bench.ended(await bench.task(agent))
        assert row["error_message"] == "the time limit of 0.1 s was exceeded"
        assert runner.hanging == before + 1

        async def told() -> bool:
            said = await bench.db.fetch_one("SELECT max(hanging) AS n FROM task_runners")
            return said is not None and said["n"] == before + 1

        await bench.until(told)
        hangs.set()
        assert await asyncio.to_thread(ended.wait, 10)

        async def gone() -> bool:
            return runner.hanging == before

        await bench.until(gone)
    assert seen == ["the attempt is over"]


async def test_a_soft_limit_that_cannot_be_is_told_with_both(bench: Bench) -> None:
    async def never(ctx: Any) -> dict[str, Any]:
        return {}

    agent = await bench.agent(never, configuration='{"soft_time_limit": 9, "time_limit": 9}')
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert row["status"] == "failed"
    assert "soft_time_limit (9 s) must be below time_limit (9 s)" in row["error_message"]


async def test_a_stop_is_no_soft_limit(bench: Bench) -> None:
    started = asyncio.Event()

    async def stopped(ctx: Any) -> dict[str, Any]:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            seen.append(type(error).__name__)
            raise
        return {}

    seen: list[str] = []
    agent = await bench.agent(stopped)
    async with bench.running():
        task = await bench.task(agent)
        await asyncio.wait_for(started.wait(), 10)
    assert seen == ["CancelledError"]
    assert (await bench.row(task))["status"] == "pending"
