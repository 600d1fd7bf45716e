"""The main loop: claim, run, settle; never more than its slots; order; retries; stop; rescue."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from pydantic import BaseModel
from structlog.testing import capture_logs

from oppspot_runner.agents.variants import chosen, read_variants
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.errors import Fail, Retry, Snooze
from oppspot_runner.base.events import (
    ResultDropped,
    RunnerStarted,
    RunnerState,
    TaskFinished,
    TasksRescued,
)
from oppspot_runner.observe import logging
from tests.runner.conftest import FAST, Bench

SLOW_POLL = replace(FAST, poll_s=30)


async def noop(ctx: Any) -> dict[str, Any]:
    return {}


class Days(BaseModel):
    days: int = 7


async def test_an_inserted_row_is_completed_with_its_output(bench: Bench) -> None:
    async def answer(ctx: Any) -> dict[str, Any]:
        return {"found": 3, "name": "x", "fine": True}

    agent = await bench.agent(answer)
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed"
    (attempt,) = await bench.attempts(task)
    assert attempt["status"] == "completed"
    assert attempt["output_data"] == {"found": 3, "name": "x", "fine": True}
    assert attempt["results_summary"] == {"found": 3}
    assert attempt["metrics"]["wait_ms"] >= 0
    assert attempt["attempt"] == 1


async def test_a_notification_wakes_an_idle_runner_long_before_its_poll(bench: Bench) -> None:
    agent = await bench.agent(noop)
    async with bench.running(SLOW_POLL) as runner:
        await bench.until(is_waiting(bench))
        task = await bench.task(agent)
        await bench.ended(task, within_s=5)
    assert runner.config.poll_s == 30


def is_waiting(bench: Bench) -> Any:
    async def check() -> bool:
        row = await bench.db.fetch_one("SELECT bool_or(waiting) AS w FROM task_runners")
        return bool(row and row["w"])

    return check


async def test_never_more_than_its_slots_run_at_once(bench: Bench) -> None:
    running, most = 0, 0

    async def count(ctx: Any) -> dict[str, Any]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return {}

    agent = await bench.agent(count)
    tasks = [await bench.task(agent) for _ in range(30)]
    async with bench.running():
        await bench.ended(*tasks)
    assert most == 3


async def test_priority_ten_runs_before_one_and_the_oldest_first_within(bench: Bench) -> None:
    order: list[int] = []

    async def note(ctx: Any) -> dict[str, Any]:
        order.append(ctx.payload["n"])
        return {}

    agent = await bench.agent(note)
    other = await bench.agent_row("note")
    priorities = [1, 5, 10, 5, 1, 10]
    tasks = [
        await bench.task(agent if n % 2 else other, priority=p, payload=f'{{"n": {n}}}')
        for n, p in enumerate(priorities)
    ]
    async with bench.running(replace(FAST, slots=1)):
        await bench.ended(*tasks)
    assert order == [2, 5, 1, 3, 0, 4]


async def test_a_failing_agent_is_retried_after_1_2_and_4_seconds_then_fails(bench: Bench) -> None:
    async def broken(ctx: Any) -> dict[str, Any]:
        raise ValueError("no such thing")

    agent = await bench.agent(broken)
    async with bench.running(SLOW_POLL):
        task = await bench.task(agent)
        (row,) = await bench.ended(task, within_s=20)
    attempts = await bench.attempts(task)
    gaps = [
        (after["started_at"] - before["completed_at"]).total_seconds()
        for before, after in itertools.pairwise(attempts)
    ]
    assert gaps == pytest.approx([1, 2, 4], abs=0.3)
    assert row["status"] == "failed"
    assert row["retry_count"] == 3
    assert "ValueError: no such thing" in row["error_message"]
    assert [one["status"] for one in attempts] == ["failed"] * 4


async def test_a_failed_task_set_to_pending_by_hand_completes(bench: Bench) -> None:
    broken = True

    async def mended(ctx: Any) -> dict[str, Any]:
        if broken:
            raise Fail("not today")
        return {}

    agent = await bench.agent(mended)
    async with bench.running(SLOW_POLL):
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
        assert (row["status"], row["error_message"]) == ("failed", "not today")
        broken = False
        await bench.db.execute("UPDATE agent_tasks SET status = 'pending' WHERE id = %s", (task,))
        await bench.until(has_status(bench, task, "completed"), within_s=5)
    assert (await bench.row(task))["error_message"] is None


def has_status(bench: Bench, task: Any, status: str) -> Any:
    async def check() -> bool:
        return (await bench.row(task))["status"] == status

    return check


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"payload": '{"days": "many"}'}, "days"),
        ({"payload": '{"stream_id": 7}'}, "payload.stream_id is not a uuid"),
        ({"payload": '{"goal_context": []}'}, "payload.goal_context is not an object"),
        ({"payload": '{"big": 1e5000}'}, "the payload cannot be read"),
    ],
)
async def test_a_bad_payload_fails_at_once_with_its_reason(
    bench: Bench, columns: dict[str, Any], reason: str
) -> None:
    async def typed(ctx: Any, input: Days) -> dict[str, Any]:
        return {"days": input.days}

    agent = await bench.agent(typed)
    good = await bench.agent(noop)
    async with bench.running():
        task, other = await bench.task(agent, **columns), await bench.task(good)
        row, fine = await bench.ended(task, other)
    assert row["status"] == "failed"
    assert reason in row["error_message"]
    assert row["retry_count"] == 0
    assert fine["status"] == "completed"


async def test_unknown_and_inactive_agents_fail_with_the_known_ones_named(bench: Bench) -> None:
    await bench.agent(noop)
    unknown = await bench.agent_row("nobody")
    idle = await bench.agent_row("noop")
    await bench.db.execute("UPDATE ai_agents SET is_active = false WHERE id = %s", (idle,))
    async with bench.running():
        tasks = [await bench.task(unknown), await bench.task(idle), await bench.task(None)]
        first, second, third = await bench.ended(*tasks)
    assert "unknown agent type 'nobody'; known: noop" in first["error_message"]
    assert "inactive" in second["error_message"]
    assert "no agent" in third["error_message"]


async def test_a_forced_task_runs_though_its_agent_is_inactive(bench: Bench) -> None:
    agent = await bench.agent(noop)
    await bench.db.execute("UPDATE ai_agents SET is_active = false")
    async with bench.running():
        task = await bench.task(agent, payload='{"force_execute": true}')
        (row,) = await bench.ended(task)
    assert row["status"] == "completed"


async def test_a_snooze_uses_no_retry_and_frees_its_slot(bench: Bench) -> None:
    async def later(ctx: Any) -> dict[str, Any]:
        if ctx.attempt == 1:
            raise Snooze(after=0.2)
        if ctx.attempt == 2:
            raise Snooze(until=datetime.now(UTC) + timedelta(seconds=0.2))
        return {"attempt": ctx.attempt}

    agent = await bench.agent(later)
    async with bench.running(SLOW_POLL):
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert (row["status"], row["retry_count"], row["attempt"]) == ("completed", 0, 3)


async def test_an_agent_may_say_when_to_retry_and_the_rows_own_limit_wins(bench: Bench) -> None:
    async def soon(ctx: Any) -> dict[str, Any]:
        raise Retry("again", after=0.05)

    agent = await bench.agent(soon, configuration='{"breaker": false}')
    async with bench.running(SLOW_POLL):
        task = await bench.task(agent, max_retries=5)
        (row,) = await bench.ended(task)
    assert (row["status"], row["retry_count"], row["attempt"]) == ("failed", 5, 6)


async def test_what_backs_off_is_tried_at_once_on_request_and_what_waits_is_not(
    bench: Bench,
) -> None:
    async def fails_and_waits(ctx: Any) -> dict[str, Any]:
        if ctx.attempt == 1:
            raise Retry("the service is down", after=3600)
        await ctx.sleep_until(ctx.deadline + timedelta(days=1))
        return {}

    async def is_parked() -> bool:
        return bool((await bench.row(task))["parked"])

    client = AsyncClient(bench.db)
    async with bench.running(SLOW_POLL):
        task = await bench.task(await bench.agent(fails_and_waits))
        await bench.until(is_parked)
        await bench.until(is_waiting(bench))
        assert (await client.get(task)).backs_off
        assert await client.retry(task)
        await bench.until(is_parked, within_s=5)
        waiting = await client.get(task)
        assert (waiting.attempt, waiting.retry_count, waiting.waits_for) == (2, 1, "its time")
        assert not waiting.backs_off
        assert not await client.retry(task)
        assert await client.get(task) == waiting


async def test_an_error_dictionary_is_an_error_and_retry_false_ends_it(bench: Bench) -> None:
    async def polite(ctx: Any) -> dict[str, Any]:
        return {"error": "quota used up", "retry": False}

    agent = await bench.agent(polite)
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert (row["status"], row["error_message"]) == ("failed", "quota used up")


async def test_a_result_with_nul_nan_and_objects_is_stored_without_them(bench: Bench) -> None:
    async def dirty(ctx: Any) -> dict[str, Any]:
        return {"text": "a\x00b\ud800", "x": float("nan"), "o": object(), "t": (1, 2)}

    agent = await bench.agent(dirty)
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    (attempt,) = await bench.attempts(task)
    assert row["status"] == "completed"
    assert attempt["output_data"]["text"] == "ab?"
    assert attempt["output_data"]["x"] is None
    assert attempt["output_data"]["t"] == [1, 2]


async def test_a_huge_result_is_cut_with_a_mark(bench: Bench) -> None:
    async def huge(ctx: Any) -> dict[str, Any]:
        return {"count": 1, "text": "x" * 5_000_000}

    agent = await bench.agent(huge)
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    (attempt,) = await bench.attempts(task)
    assert attempt["output_data"]["count"] == 1
    assert attempt["output_data"]["_cut"]["bytes"] > 5_000_000


async def test_a_plain_function_runs_in_a_thread_and_its_context_blocks(bench: Bench) -> None:
    def plain(ctx: Any, payload: dict[str, Any]) -> dict[str, Any]:
        ctx.progress(1, 2, "half")
        return {"step": ctx.step("double", lambda n: n * 2, payload["n"])}

    agent = await bench.agent(plain)
    async with bench.running():
        task = await bench.task(agent, payload='{"n": 21}')
        await bench.ended(task)
    (attempt,) = await bench.attempts(task)
    assert attempt["output_data"] == {"step": 42}
    assert attempt["metrics"]["steps"] == 1


async def test_a_finished_step_is_not_run_again_by_the_next_attempt(bench: Bench) -> None:
    calls: list[str] = []

    async def paid(name: str) -> dict[str, str]:
        calls.append(name)
        return {"name": name}

    async def stepping(ctx: Any) -> dict[str, Any]:
        first = await ctx.step("call", paid, "first")
        second = await ctx.step("call", paid, "second")
        if ctx.attempt == 1:
            raise Retry("after paying", after=0)
        return {"got": [first, second]}

    agent = await bench.agent(stepping)
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    assert calls == ["first", "second"]
    assert (await bench.attempts(task))[1]["output_data"] == {
        "got": [{"name": "first"}, {"name": "second"}]
    }


async def test_a_task_has_the_variant_of_its_item_and_its_attempt_says_which(
    bench: Bench,
) -> None:
    async def telling(ctx: Any) -> dict[str, Any]:
        return {"model": ctx.agent.configuration["model"]}

    variants = [
        {"name": "old"},
        {"name": "new", "weight": 2, "configuration": {"model": "small"}},
    ]
    configuration = {"model": "large", "variants_by": "item", "variants": variants}
    agent = await bench.agent(telling, configuration=json.dumps(configuration))
    # Which variant an item gets differs with the agent's id: one item is looked for for each.
    shares = read_variants(configuration).variants
    items = {chosen(shares, f"{agent}/{item}").name: item for item in range(200)}
    async with bench.running():
        tasks = [
            (name, await bench.task(agent, payload=Jsonb({"item": item})))
            for name, item in list(items.items()) * 3
        ]
        await bench.ended(*(task for _, task in tasks))
    models = {"old": "large", "new": "small"}
    assert items.keys() == models.keys()
    for name, task in tasks:
        (attempt,) = await bench.attempts(task)
        assert attempt["metrics"]["variant"] == name
        assert attempt["output_data"]["model"] == models[name]


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["inline", "process"])
async def test_an_attempt_that_calls_other_steps_than_the_one_before_says_so(
    bench: Bench, isolation: str
) -> None:
    bench.registry.register(changing, isolation=isolation)
    logging.set_up("json", "warning")
    try:
        with capture_logs() as lines:
            async with bench.running():
                task = await bench.task(await bench.agent_row("changing"))
                await bench.ended(task)
    finally:
        logging.set_up("json", "error")
    said = [one for one in lines if one["event"] == "steps_changed"]
    assert [one["what"] for one in said] == ["the step new is called where call was called before"]


async def changing(ctx: Any) -> dict[str, Any]:
    await ctx.step("call" if ctx.attempt == 1 else "new", dict)
    if ctx.attempt == 1:
        raise Retry("with other code", after=0)
    return {}


async def test_the_next_task_begins_while_an_end_is_written_and_no_more_than_fit(
    bench: Bench,
) -> None:
    begun: list[Any] = []
    may_end = asyncio.Event()

    async def noting(ctx: Any) -> dict[str, Any]:
        begun.append(ctx.task.id)
        await may_end.wait()
        return {}

    async def two_began() -> bool:
        return len(begun) == 2

    async def one_began() -> bool:
        return len(begun) == 1

    agent = await bench.agent(noting)
    async with bench.running(replace(FAST, slots=1)):
        first = await bench.task(agent)
        await bench.until(one_began)
        async with bench.db.transaction() as other:  # its end has to wait for this one
            await other.execute("SELECT FROM agent_tasks WHERE id = %s FOR UPDATE", (first,))
            more = [await bench.task(agent) for _ in range(3)]
            may_end.set()
            await bench.until(two_began)
            for _ in range(20):  # the end of the second waits as well, so it keeps its slot
                await bench.db.ping()
            assert begun == [first, more[0]]
        rows = await bench.ended(first, *more)
    assert {row["status"] for row in rows} == {"completed"}


async def test_an_attempt_over_its_time_limit_is_cut_off(bench: Bench) -> None:
    async def endless(ctx: Any) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    agent = await bench.agent(endless, configuration='{"time_limit": 0.2, "max_retries": 0}')
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["error_message"] == "the time limit of 0.2 s was exceeded"


async def test_a_stop_gives_a_long_task_back_without_charging_it(bench: Bench) -> None:
    started = asyncio.Event()

    async def long(ctx: Any) -> dict[str, Any]:
        if ctx.attempt == 1:
            started.set()
            await asyncio.Event().wait()
        return {"attempt": ctx.attempt}

    agent = await bench.agent(long)
    async with bench.running():
        task = await bench.task(agent)
        await asyncio.wait_for(started.wait(), 10)
    row = await bench.row(task)
    assert (row["status"], row["retry_count"], row["crash_count"]) == ("pending", 0, 0)
    async with bench.running():
        (row,) = await bench.ended(task)
    assert (row["status"], row["retry_count"]) == ("completed", 0)
    assert [one["status"] for one in await bench.attempts(task)] == ["cancelled", "completed"]


async def test_a_result_of_a_task_that_was_taken_back_is_dropped(bench: Bench) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow(ctx: Any) -> dict[str, Any]:
        if ctx.attempt == 1:
            started.set()
            await go_on.wait()
        return {"attempt": ctx.attempt}

    agent = await bench.agent(slow)
    async with bench.running():
        task = await bench.task(agent)
        await asyncio.wait_for(started.wait(), 10)
        await bench.db.execute("UPDATE agent_tasks SET status = 'pending' WHERE id = %s", (task,))
        await bench.ended(task)
        go_on.set()

        async def dropped() -> bool:
            return bool(bench.happened(ResultDropped))

        await bench.until(dropped)
    attempts = await bench.attempts(task)
    assert [one["output_data"] for one in attempts if one["attempt"] == 2] == [{"attempt": 2}]
    assert not any(one["output_data"] == {"attempt": 1} for one in attempts)


async def test_tasks_of_a_runner_that_is_gone_are_put_back(bench: Bench) -> None:
    agent = await bench.agent(noop)
    task = await bench.task(agent)
    await bench.db.execute(
        "UPDATE agent_tasks SET status = 'processing', run_token = 1, runner_id = 999,"
        " attempt = 1, started_at = now() WHERE id = %s",
        (task,),
    )
    async with bench.running():
        (row,) = await bench.ended(task)
    assert (row["status"], row["retry_count"], row["crash_count"]) == ("completed", 0, 1)
    lost, done = await bench.attempts(task)
    assert (lost["status"], done["status"]) == ("failed", "completed")
    assert "was lost" in lost["error_message"]
    assert bench.happened(TasksRescued)[0].task_ids == (task,)


async def test_a_task_that_lost_its_runner_three_times_fails(bench: Bench) -> None:
    agent = await bench.agent(noop)
    task = await bench.task(agent)
    await bench.db.execute(
        "UPDATE agent_tasks SET status = 'processing', run_token = 1, runner_id = 999,"
        " attempt = 3, crash_count = 2, started_at = now() WHERE id = %s",
        (task,),
    )
    async with bench.running():
        (row,) = await bench.ended(task)
    assert row["status"] == "failed"
    assert "lost three times" in row["error_message"]


async def test_pause_and_resume_through_the_database(bench: Bench) -> None:
    from oppspot_runner.queue import members

    agent = await bench.agent(noop)
    async with bench.running(SLOW_POLL) as runner:
        await bench.until(is_waiting(bench))
        await members.ask(bench.db, "pause")

        async def paused() -> bool:
            return runner.state == "paused"

        await bench.until(paused, within_s=4)
        task = await bench.task(agent)
        await members.ask(bench.db, "run")
        await bench.ended(task, within_s=4)
    assert [one.status for one in bench.happened(TaskFinished)] == ["completed"]


async def test_a_paused_agent_waits_and_the_others_go_on(bench: Bench) -> None:
    agent = await bench.agent(noop)
    other = await bench.agent_row("noop")
    await bench.db.execute(
        "INSERT INTO task_pauses (scope, key) VALUES ('agent', %s)", (str(agent),)
    )
    held, free = await bench.task(agent, priority=10), await bench.task(other)
    async with bench.running(SLOW_POLL):
        await bench.ended(free)
        assert (await bench.row(held))["status"] == "pending"
        await bench.db.execute("DELETE FROM task_pauses")
        await bench.ended(held, within_s=5)


async def test_a_runner_serves_only_its_task_types(bench: Bench) -> None:
    agent = await bench.agent(noop)
    other = await bench.task(agent, task_type="gpu")
    async with bench.running(replace(FAST, task_types=("agent_execution",))):
        mine = await bench.task(agent)
        await bench.ended(mine)
        assert (await bench.row(other))["status"] == "pending"


async def test_a_health_check_needs_no_agent(bench: Bench) -> None:
    async with bench.running():
        task = await bench.task(None, task_type="health_check")
        (row,) = await bench.ended(task)
    assert row["status"] == "completed"


@pytest.mark.parametrize("task_types", [(), ("slow",)], ids=["all types", "one type"])
@pytest.mark.parametrize("pause", [False, True], ids=["in line", "by lanes"])
async def test_a_health_check_for_one_runner_is_taken_by_that_one_only(
    bench: Bench, task_types: tuple[str, ...], pause: bool
) -> None:
    async def both_started() -> bool:
        return len(bench.happened(RunnerStarted)) == 2

    if pause:
        await bench.db.execute("INSERT INTO task_pauses (scope, key) VALUES ('type', 'other')")
    async with (
        bench.running(replace(FAST, task_types=task_types)),
        bench.running(replace(FAST, task_types=task_types)),
    ):
        await bench.until(both_started)
        mine, theirs = sorted(event.runner_id for event in bench.happened(RunnerStarted))
        nobodys = await bench.task(None, task_type="health_check:999999")
        checks = [
            await bench.task(None, task_type=f"health_check:{one}")
            for one in (mine, theirs, mine, theirs)
        ]
        await bench.ended(*checks)
        ran = [(await bench.attempts(one))[0]["runner_id"] for one in checks]
        assert ran == [mine, theirs, mine, theirs]
        assert (await bench.row(nobodys))["status"] == "pending"


async def test_drain_and_exit_waits_for_retries_but_not_for_later(bench: Bench) -> None:
    async def once(ctx: Any) -> dict[str, Any]:
        if ctx.attempt == 1:
            raise Retry("again", after=0.3)
        return {}

    agent = await bench.agent(once)
    task = await bench.task(agent)
    later = await bench.task(agent, scheduled_for=datetime.now(UTC) + timedelta(hours=1))
    async with bench.running(replace(FAST, drain_and_exit=True)) as runner:

        async def stopped() -> bool:
            return runner.state == "stopped"

        await bench.until(stopped)
    assert "nothing is due or running" in [one.reason for one in bench.happened(RunnerState)]
    assert (await bench.row(task))["status"] == "completed"
    assert (await bench.row(later))["status"] == "pending"
