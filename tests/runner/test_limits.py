"""Limits where several runners work at once, and tasks that run alone."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from oppspot_runner.agents.context import Context
from oppspot_runner.limits.task_limits import Limit, list_limits, set_limit
from tests.runner.conftest import FAST, Bench


class Gauge:
    """How many bodies of one kind run now, and how many ran at once at most."""

    def __init__(self) -> None:
        self.now: dict[str, int] = {}
        self.most: dict[str, int] = {}

    async def body(self, ctx: Context, payload: dict[str, Any]) -> None:
        kind = payload["kind"]
        self.now[kind] = self.now.get(kind, 0) + 1
        self.most[kind] = max(self.most.get(kind, 0), self.now[kind])
        await asyncio.sleep(0.005)
        self.now[kind] -= 1


async def completed(bench: Bench, count: int) -> None:
    async def all_done() -> bool:
        row = await bench.db.fetch_one(
            "SELECT count(*) AS n FROM agent_tasks WHERE status = 'completed'"
        )
        return row == {"n": count}

    await bench.until(all_done, within_s=30)


@pytest.mark.slow
async def test_caps_hold_exactly_under_three_runners_and_all_is_done(bench: Bench) -> None:
    gauge = Gauge()

    async def work(ctx: Context, payload: dict[str, Any]) -> None:
        await gauge.body(ctx, payload)

    capped = await bench.agent(work, configuration='{"concurrency": 2}')
    free = await bench.agent_row("work")
    await set_limit(bench.db, "key", "*", Limit(concurrency=1))
    await bench.db.execute(
        "INSERT INTO agent_tasks (agent_id, payload, limit_key)"
        ' SELECT %s, \'{"kind": "capped"}\'::jsonb, NULL FROM generate_series(1, 60)'
        " UNION ALL SELECT %s, '{\"kind\": \"keyed\"}', 'one.example' FROM generate_series(1, 30)"
        ' UNION ALL SELECT %s, \'{"kind": "free"}\', NULL FROM generate_series(1, 60)',
        (capped, free, free),
    )
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(bench.running(replace(FAST, slots=4)))
        await completed(bench, 150)
    assert gauge.most["capped"] == 2
    assert gauge.most["keyed"] == 1
    assert gauge.most["free"] > 2


async def test_ten_tasks_of_one_organisation_start_beside_thousands_of_another(
    bench: Bench,
) -> None:
    async def work(ctx: Context) -> None:
        await asyncio.sleep(0.01)

    agent = await bench.agent(work)
    orgs = await bench.db.fetch_all(
        "INSERT INTO organizations (name) VALUES ('big'), ('small') RETURNING id"
    )
    big, small = [row["id"] for row in orgs]
    await bench.db.execute(
        "INSERT INTO agent_tasks (agent_id, org_id) SELECT %s, %s FROM generate_series(1, 5000)",
        (agent, big),
    )
    async with bench.running(replace(FAST, fair_share=True)):
        ten = [await bench.task(agent, org_id=small) for _ in range(10)]
        await bench.ended(*ten)
        left = await bench.db.fetch_one(
            "SELECT count(*) AS n FROM agent_tasks WHERE org_id = %s AND status = 'pending'", (big,)
        )
        assert left is not None
        assert left["n"] > 4000


async def test_a_rate_starts_tasks_with_their_tokens_not_with_the_poll(bench: Bench) -> None:
    async def work(ctx: Context) -> None:
        return None

    agent = await bench.agent(work, rate="20/s")
    await set_limit(bench.db, "type", "work", Limit(rate="20/s", burst=1))
    async with bench.running(replace(FAST, poll_s=30)):
        tasks = [await bench.task(agent) for _ in range(8)]
        rows = await bench.ended(*tasks, within_s=10)
    starts = sorted(row["started_at"] for row in rows)
    gaps = [(after - before).total_seconds() for before, after in pairwise(starts)]
    assert min(gaps) > 0.045


async def test_what_an_agents_code_says_is_known_to_all_runners_and_goes_with_it(
    bench: Bench,
) -> None:
    async def narrow(ctx: Context) -> None:
        return None

    agent = await bench.agent(narrow, concurrency=1, rate="10/m")
    async with bench.running():
        await bench.ended(await bench.task(agent))
    (limit,) = await list_limits(bench.db)
    assert (limit["scope"], limit["key"], limit["source"]) == ("type", "narrow", "code")
    assert (limit["concurrency"], round(limit["rate"], 4)) == (1, 0.1667)

    bench.registry = type(bench.registry)()
    agent = await bench.agent(narrow)
    async with bench.running():
        await bench.ended(await bench.task(agent))
    assert await list_limits(bench.db) == []


async def test_code_may_say_that_nothing_of_its_type_starts(bench: Bench) -> None:
    async def off(ctx: Context) -> None:
        return None

    async def on(ctx: Context) -> None:
        return None

    waiting = await bench.task(await bench.agent(off, concurrency=0), priority=9)
    async with bench.running():
        await bench.ended(await bench.task(await bench.agent(on)))
    assert (await bench.row(waiting))["attempt"] == 0


@pytest.mark.slow
async def test_low_priorities_rise_while_they_wait(bench: Bench) -> None:
    release = asyncio.Event()

    async def work(ctx: Context) -> None:
        await release.wait()

    agent = await bench.agent(work)
    busy = await bench.task(agent, priority=10)
    async with bench.running(replace(FAST, slots=1, poll_s=0.2, ageing_s=0.5)):
        low = await bench.task(agent, priority=1)

        async def risen() -> bool:
            return bool((await bench.row(low))["priority"] >= 3)

        await bench.until(risen)
        release.set()
        await bench.ended(busy, low)


async def crashed_twice(bench: Bench, agent: Any, count: int = 1) -> list[Any]:
    return [await bench.task(agent, crash_count=2) for _ in range(count)]


async def test_a_task_that_killed_two_runners_runs_alone(bench: Bench) -> None:
    gauge: dict[str, Any] = {"beside": [], "running": set()}

    async def work(ctx: Context) -> None:
        gauge["running"].add(ctx.task.id)
        await asyncio.sleep(0.05)
        if ctx.task.crash_count >= 2:
            gauge["beside"].append(len(gauge["running"]))
        gauge["running"].discard(ctx.task.id)

    agent = await bench.agent(work)
    suspects = await crashed_twice(bench, agent, 3)
    plain = [await bench.task(agent) for _ in range(6)]
    async with bench.running():
        rows = await bench.ended(*suspects, *plain)
    assert gauge["beside"] == [1, 1, 1]
    assert {row["status"] for row in rows} == {"completed"}
    assert [row["crash_count"] for row in rows[:3]] == [2, 2, 2]


async def test_a_task_that_waits_to_run_alone_is_given_back_by_a_stop(bench: Bench) -> None:
    started = asyncio.Event()

    async def work(ctx: Context) -> None:
        started.set()
        await asyncio.sleep(60)

    agent = await bench.agent(work)
    long = await bench.task(agent, priority=10)
    async with bench.running() as runner:
        await started.wait()
        (suspect,) = await crashed_twice(bench, agent)

        async def held() -> bool:
            return bool((await bench.row(suspect))["held"])

        await bench.until(held)
        runner.stop()
    for task in (long, suspect):
        row = await bench.row(task)
        assert (row["status"], row["retry_count"], row["held"]) == ("pending", 0, False)
    assert (await bench.row(suspect))["crash_count"] == 2


async def test_a_death_while_it_only_waited_is_not_charged(bench: Bench) -> None:
    async def work(ctx: Context) -> None:
        return None

    agent = await bench.agent(work)
    begun, held = await crashed_twice(bench, agent, 2)
    await bench.db.execute(
        "UPDATE agent_tasks SET status = 'processing', runner_id = 4711, attempt = 1,"
        " held = id = %s, started_at = oppspot_now(),"
        " run_token = nextval('agent_tasks_run_token_seq')",
        (held,),
    )
    async with bench.running():
        dead, alive = await bench.ended(begun, held)
    assert (dead["status"], dead["crash_count"]) == ("failed", 3)
    assert "lost three times" in dead["error_message"]
    assert (alive["status"], alive["crash_count"]) == ("completed", 2)
    # It had not begun: that was no attempt.
    assert alive["attempt"] == 1
    assert [one["status"] for one in await bench.attempts(held)] == ["completed"]
