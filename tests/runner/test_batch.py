"""Many tasks of one agent in one call: each has its own end, and ends nothing for the others."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from structlog.testing import capture_logs

from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.registry import Registry, definition_of
from oppspot_runner.agents.work_time import SoftTimeLimitError
from oppspot_runner.backends.backend import Briefing, Result
from oppspot_runner.base.errors import ConfigurationError, Fail, Retry, Snooze
from oppspot_runner.observe import logging
from oppspot_runner.runner.batch import Batch
from oppspot_runner.runner.loop import Runner
from tests.runner.conftest import FAST, Bench

ONE_SLOT = replace(FAST, slots=1)
NO_RETRIES = '{"max_retries": 0}'


class Text(BaseModel):
    text: str


async def put(bench: Bench, agent: UUID, number: int, **columns: Any) -> list[UUID]:
    """That many tasks at once, with payloads {"n": 0}, {"n": 1} ..."""
    names = "".join(f", {name}" for name in columns)
    marks = ", %s" * len(columns)
    rows = await bench.db.fetch_all(
        f"INSERT INTO agent_tasks (agent_id, payload{names})"  # type: ignore[arg-type]
        f" SELECT %s, jsonb_build_object('n', n){marks} FROM generate_series(0, %s) n RETURNING id",
        (agent, *columns.values(), number - 1),
    )
    return [row["id"] for row in rows]


async def outputs(bench: Bench, tasks: list[UUID]) -> list[Any]:
    return [(await bench.attempts(task))[-1]["output_data"] for task in tasks]


async def test_one_call_has_all_that_is_ready_of_an_agent(bench: Bench) -> None:
    calls: list[int] = []

    async def embed(ctxs: Any, inputs: list[dict[str, int]]) -> list[Any]:
        calls.append(len(ctxs))
        assert [ctx.payload for ctx in ctxs] == inputs
        return [{"twice": 2 * one["n"]} for one in inputs]

    tasks = await put(bench, await bench.agent(embed, batch=100), 25)
    async with bench.running(ONE_SLOT):
        rows = await bench.ended(*tasks)
    assert calls == [25]
    assert await outputs(bench, tasks) == [{"twice": 2 * n} for n in range(25)]
    assert len({row["attempt"] for row in rows}) == 1


async def test_no_call_has_more_than_the_batch_and_the_order_is_kept(bench: Bench) -> None:
    calls: list[list[int]] = []

    async def embed(ctxs: Any, inputs: list[dict[str, int]]) -> list[Any]:
        calls.append([one["n"] for one in inputs])
        return [None] * len(ctxs)

    agent = await bench.agent(embed, batch=4)
    tasks = await put(bench, agent, 6)
    urgent = await put(bench, agent, 3, priority=9)
    async with bench.running(ONE_SLOT):
        await bench.ended(*tasks, *urgent)
    assert calls == [[0, 1, 2, 0], [1, 2, 3, 4], [5]]


async def test_a_batch_holds_one_slot_and_what_was_claimed_together_shares_a_call(
    bench: Bench,
) -> None:
    calls: list[int] = []
    go = asyncio.Event()

    async def embed(ctxs: Any) -> list[Any]:
        calls.append(len(ctxs))
        await go.wait()
        return [None] * len(ctxs)

    async def other(ctx: Any) -> None: ...

    tasks = await put(bench, await bench.agent(embed, batch=50), 60)
    single = await bench.agent(other)
    async with bench.running(replace(FAST, slots=3)):
        await bench.until(lambda: asyncio.sleep(0, len(calls) == 2))
        assert calls == [50, 10]
        await bench.ended(*await put(bench, single, 5))
        assert calls == [50, 10]
        go.set()
        await bench.ended(*tasks)
    assert calls == [50, 10]


@pytest.mark.slow
async def test_each_task_has_its_own_end(bench: Bench) -> None:
    async def mixed(ctxs: Any, inputs: list[dict[str, int]]) -> list[Any]:
        if ctxs[0].attempt > 1:
            return [{"attempt": ctx.attempt} for ctx in ctxs]
        return [
            {"ok": True},
            Fail("never"),
            Retry("later", after=0.1),
            Snooze(after=0.1),
            ValueError("odd"),
            {"error": "said", "retry": False},
            None,
        ]

    tasks = await put(bench, await bench.agent(mixed, batch=10), 7)
    async with bench.running(ONE_SLOT):
        rows = await bench.ended(*tasks)
    assert [row["status"] for row in rows] == [
        "completed",
        "failed",
        "completed",
        "completed",
        "completed",
        "failed",
        "completed",
    ]
    assert [row["retry_count"] for row in rows] == [0, 0, 1, 0, 1, 0, 0]
    assert [row["attempt"] for row in rows] == [1, 1, 2, 2, 2, 1, 1]
    assert (rows[1]["error_message"], rows[5]["error_message"]) == ("never", "said")
    assert (await bench.attempts(tasks[4]))[0]["error_message"] == "ValueError: odd"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (ValueError("down"), "ValueError: down"),
        ([None], "the agent returned 1, not a list of 3 results for 3 tasks"),
        ({"a": 1}, "the agent returned dict, not a list of 3 results for 3 tasks"),
    ],
)
async def test_what_is_wrong_with_the_call_is_everybody_s_error(
    bench: Bench, answer: Any, error: str
) -> None:
    async def broken(ctxs: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    agent = await bench.agent(broken, batch=10, configuration=NO_RETRIES)
    tasks = await put(bench, agent, 3)
    async with bench.running(ONE_SLOT):
        rows = await bench.ended(*tasks)
    assert [row["status"] for row in rows] == ["failed"] * 3
    assert all(row["error_message"].startswith(error) for row in rows)


async def test_a_bad_payload_fails_alone(bench: Bench) -> None:
    async def texts(ctxs: Any, inputs: list[Text]) -> list[Any]:
        return [{"words": len(one.text.split())} for one in inputs]

    agent = await bench.agent(texts, batch=10)
    good = [await bench.task(agent, payload='{"text": "a b"}') for _ in range(2)]
    bad = await bench.task(agent, payload='{"text": 7}')
    async with bench.running(ONE_SLOT):
        await bench.ended(*good, bad)
    assert await outputs(bench, good) == [{"words": 2}] * 2
    assert (await bench.row(bad))["error_message"].startswith("bad payload for texts: text")


async def test_plain_functions_and_threads_take_batches(bench: Bench) -> None:
    def plain(ctxs: Any, inputs: list[Any]) -> list[Any]:
        return [
            {"n": ctx.step("n", lambda one=one: one["n"])}
            for ctx, one in zip(ctxs, inputs, strict=True)
        ]

    async def awaiting(ctxs: Any) -> list[Any]:
        return [{"n": await ctx.step("n", int, ctx.payload["n"])} for ctx in ctxs]

    first = await put(bench, await bench.agent(plain, batch=10), 3)
    second = await put(bench, await bench.agent(awaiting, batch=10, isolation="thread"), 3)
    async with bench.running(ONE_SLOT):
        rows = await bench.ended(*first, *second)
    assert [row["error_message"] for row in rows] == [None] * 6
    assert await outputs(bench, first + second) == [{"n": 0}, {"n": 1}, {"n": 2}] * 2


class Held:
    """A batch agent whose call waits until it is told to go on."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.cancelled = False
        self.deaf = False
        self.ctxs: list[Any] = []

    async def __call__(self, ctxs: Any) -> list[Any]:
        self.ctxs = list(ctxs)
        self.begun.set()
        while not self.go.is_set():
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.cancelled = True
                if not self.deaf:
                    raise
        return [{"n": ctx.payload["n"]} for ctx in ctxs]


async def held_agent(bench: Bench, **options: Any) -> tuple[Held, UUID]:
    held = Held()

    async def wait(ctxs: Any) -> list[Any]:
        return await held(ctxs)

    return held, await bench.agent(wait, batch=10, **options)


async def cancel(bench: Bench, task: UUID) -> None:
    await bench.db.execute("SELECT cancel_task(%s, 'not needed')", (task,))


async def test_a_cancelled_task_is_dropped_and_the_call_goes_on(bench: Bench) -> None:
    held, agent = await held_agent(bench)
    tasks = await put(bench, agent, 3)
    async with bench.running(ONE_SLOT):
        await held.begun.wait()
        await cancel(bench, tasks[1])
        (row,) = await bench.ended(tasks[1])
        await held.ctxs[1].progress(1, 2)  # harmless, whatever became of the task
        await held.ctxs[1].step("late", int, 1)
        held.go.set()
        await bench.ended(*tasks)
    assert (row["status"], row["cancel_reason"]) == ("cancelled", "not needed")
    assert not held.cancelled
    assert await outputs(bench, tasks) == [{"n": 0}, None, {"n": 2}]


async def test_when_all_are_cancelled_the_call_ends(bench: Bench) -> None:
    held, agent = await held_agent(bench)
    tasks = await put(bench, agent, 3)
    async with bench.running(ONE_SLOT):
        await held.begun.wait()
        for task in tasks:
            await cancel(bench, task)
        rows = await bench.ended(*tasks)
    assert held.cancelled
    assert {row["status"] for row in rows} == {"cancelled"}


async def test_a_task_that_was_taken_back_changes_nothing_for_the_others(bench: Bench) -> None:
    held, agent = await held_agent(bench)
    tasks = await put(bench, agent, 3)
    async with bench.running(ONE_SLOT):
        await held.begun.wait()
        await bench.db.execute(
            "UPDATE agent_tasks SET status = 'failed' WHERE id = %s", (tasks[0],)
        )
        await held.ctxs[0].progress(1, 2)
        await held.ctxs[0].step("late", int, 1)
        held.go.set()
        rows = await bench.ended(*tasks)
    assert [row["status"] for row in rows] == ["failed", "completed", "completed"]


async def test_the_time_limit_is_that_of_the_call(bench: Bench) -> None:
    held, agent = await held_agent(
        bench, time_limit=timedelta(seconds=0.3), configuration=NO_RETRIES
    )
    tasks = await put(bench, agent, 3)
    async with bench.running(ONE_SLOT) as runner:
        rows = await bench.ended(*tasks)
        await nothing_runs(bench, runner)
    assert held.cancelled
    assert {row["error_message"] for row in rows} == {"the time limit of 0.3 s was exceeded"}


async def test_a_call_that_ignores_its_end_is_left_behind_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oppspot_runner.runner.cut_off.CUT_OFF_S", 0.1)
    held, agent = await held_agent(
        bench, time_limit=timedelta(seconds=0.2), configuration=NO_RETRIES
    )
    held.deaf = True
    tasks = await put(bench, agent, 3)
    try:
        async with bench.running(ONE_SLOT) as runner:
            before = runner.hanging  # threads that other tests left in this process
            await bench.ended(*tasks)
            await nothing_runs(bench, runner)
            assert runner.hanging == before + 1
            held.go.set()
            await bench.until(lambda: asyncio.sleep(0, runner.hanging == before))
    finally:
        held.go.set()  # else nothing ends it, and the loop of the test waits for ever


async def test_the_soft_limit_is_told_once_to_the_call(bench: Bench) -> None:
    told: list[float] = []

    async def patient(ctxs: Any) -> list[Any]:
        try:
            await asyncio.sleep(10)
        except SoftTimeLimitError:
            told.extend(ctx.time_left for ctx in ctxs)
        return [{"partly": True}] * len(ctxs)

    agent = await bench.agent(
        patient, batch=10, soft_time_limit=timedelta(seconds=0.2), time_limit=timedelta(seconds=20)
    )
    tasks = await put(bench, agent, 3)
    async with bench.running(ONE_SLOT):
        await bench.ended(*tasks)
    assert told == [0.0] * 3
    assert await outputs(bench, tasks) == [{"partly": True}] * 3


async def test_a_thread_is_told_once_whatever_context_it_asks(bench: Bench) -> None:
    def patient(ctxs: Any) -> list[Any]:
        while ctxs[0].time_left > 0:
            threading.Event().wait(0.01)
        try:
            ctxs[0].progress(1, 2)
        except SoftTimeLimitError:
            ctxs[1].progress(2, 2)
        return [{"partly": True}] * len(ctxs)

    agent = await bench.agent(
        patient, batch=10, soft_time_limit=timedelta(seconds=0.2), time_limit=timedelta(seconds=20)
    )
    tasks = await put(bench, agent, 2)
    async with bench.running(ONE_SLOT):
        await bench.ended(*tasks)
    assert await outputs(bench, tasks) == [{"partly": True}] * 2


async def test_a_call_ends_when_the_last_one_leaves_before_he_waits() -> None:
    class Slow:
        async def run(self, briefing: Briefing) -> Result:
            return await asyncio.Event().wait()  # type: ignore[return-value]

        async def stop(self) -> None: ...

    def member(token: int) -> Any:
        ctx = SimpleNamespace(run_token=token, journal=None, work_time=None, _tool_calls=None)
        ctx._model_calls = None
        return Briefing(definition_of(lists, "x", batch=2), AgentOptions(), ctx, None)  # type: ignore[arg-type]

    batch = Batch([1, 2])
    async with asyncio.timeout(10):
        await asyncio.gather(*(batch.join(member(token), lambda: None) for token in (1, 2)))
        first = asyncio.get_running_loop().create_task(batch.run(1, Slow()))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait({first})
        assert batch.call is not None
        assert not batch.call.done()
        batch.leave(2)
        await asyncio.wait({batch.call})
    assert batch.call.cancelled()


async def test_an_attempt_that_ends_before_it_began_holds_up_nobody() -> None:
    batch = Batch([1, 2])
    ctx: Any = SimpleNamespace(run_token=1, journal=None, _model_calls=None, _tool_calls=None)
    briefing = Briefing(definition_of(lists, "x", batch=2), AgentOptions(), ctx, None)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(batch.join(briefing, lambda: None))
        assert batch.end_one(2)


async def test_a_stop_gives_all_of_a_batch_back(bench: Bench) -> None:
    held, agent = await held_agent(bench)
    tasks = await put(bench, agent, 3)
    async with bench.running(ONE_SLOT):
        await held.begun.wait()
    rows = [await bench.row(task) for task in tasks]
    assert [(row["status"], row["retry_count"]) for row in rows] == [("pending", 0)] * 3
    assert held.cancelled


async def test_a_task_that_killed_runners_is_alone_in_its_batch(bench: Bench) -> None:
    calls: list[list[int]] = []

    async def embed(ctxs: Any) -> list[Any]:
        calls.append([ctx.payload["n"] for ctx in ctxs])
        return [None] * len(ctxs)

    tasks = await put(bench, await bench.agent(embed, batch=10), 4)
    await bench.db.execute(
        "UPDATE agent_tasks SET crash_count = 2 WHERE payload = '{\"n\": 1}'::jsonb"
    )
    async with bench.running(ONE_SLOT):
        await bench.ended(*tasks)
    assert sorted(calls) == [[0, 2, 3], [1]]


async def test_limits_are_kept_inside_a_batch(bench: Bench) -> None:
    calls: list[int] = []

    async def embed(ctxs: Any) -> list[Any]:
        calls.append(len(ctxs))
        return [None] * len(ctxs)

    agent = await bench.agent(embed, batch=10, configuration='{"concurrency": 3}')
    tasks = await put(bench, agent, 7)
    async with bench.running(replace(FAST, slots=5)):
        await bench.ended(*tasks)
    assert max(calls) <= 3
    assert sum(calls) == 7


async def test_organisations_do_not_share_a_call(bench: Bench) -> None:
    calls: list[set[Any]] = []

    async def embed(ctxs: Any) -> list[Any]:
        calls.append({ctx.org_id for ctx in ctxs})
        return [None] * len(ctxs)

    agent = await bench.agent(embed, batch=10)
    rows = await bench.db.fetch_all(
        "INSERT INTO organizations (name) VALUES ('a'), ('b') RETURNING id"
    )
    tasks = [task for row in rows for task in await put(bench, agent, 3, org_id=row["id"])]
    async with bench.running(ONE_SLOT):
        await bench.ended(*tasks)
    assert sorted(map(len, calls)) == [1, 1]


async def test_the_row_says_how_many_at_most_but_not_that_lists_are_taken(bench: Bench) -> None:
    calls: list[int] = []

    async def embed(ctxs: Any) -> list[Any]:
        calls.append(len(ctxs))
        return [None] * len(ctxs)

    async def single(ctx: Any) -> None: ...

    fewer = await put(bench, await bench.agent(embed, batch=10, configuration='{"batch": 2}'), 4)
    wrong = await put(bench, await bench.agent(single, configuration='{"batch": 2}'), 1)
    async with bench.running(ONE_SLOT):
        await bench.ended(*fewer, *wrong)
    assert calls == [2, 2]
    said = (await bench.row(wrong[0]))["error_message"]
    assert said.endswith("batch: the agent's code takes one task at a time")


@pytest.mark.slow
async def test_all_of_a_batch_are_named_when_its_call_blocks_the_loop(bench: Bench) -> None:
    async def careless(ctxs: Any) -> list[Any]:
        threading.Event().wait(1.5)
        return [None] * len(ctxs)

    tasks = await put(bench, await bench.agent(careless, batch=10), 3)
    await put(bench, (await held_agent(bench))[1], 1)
    logging.set_up("json", "warning")
    try:
        with capture_logs() as lines:
            async with bench.running(replace(FAST, slots=2)):
                await bench.ended(*tasks)
    finally:
        logging.set_up("json", "error")
    (told,) = (line for line in lines if line["event"] == "something blocks the event loop")
    assert sorted(told["tasks"]) == sorted(map(str, tasks))


def lists(ctxs: Any, inputs: list[Text]) -> list[Any]:
    return []


def one(ctx: Any, input: Text) -> None: ...


class Whole(Agent):
    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    ("body", "options", "message"),
    [
        (lists, {}, "lists takes a list of inputs, but has no batch. Annotate it with Text"),
        (one, {"batch": 5}, r"one takes one input, but has a batch. Annotate it with list\[Text\]"),
        (one, {"batch": 0}, "batch: Input should be greater than or equal to 1"),
        (one, {"batch": 1001}, "batch: Input should be less than or equal to 1000"),
    ],
)
def test_a_function_of_the_other_form_is_refused(
    registry: Registry, body: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        registry.register(body, **options)
    assert re.search(message, caught.value.one_line())


def test_classes_take_no_batches() -> None:
    with pytest.raises(ConfigurationError, match="Whole has a batch: only functions"):
        definition_of(type("Whole", (Whole,), {"options": AgentOptions(batch=5)}), "whole")


async def nothing_runs(bench: Bench, runner: Runner) -> None:
    await bench.until(lambda: asyncio.sleep(0, not runner.attempts and runner.slots.free == 1))
