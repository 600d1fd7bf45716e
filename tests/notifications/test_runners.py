"""Runners gather and deliver: one message for a storm, and nothing that delays a task."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from oppspot_runner.agents.context import Context
from oppspot_runner.base.errors import Fail
from tests.notifications.conftest import Bench, PostOffice, dead, mails, rule
from tests.runner.conftest import FAST

STORM = 1_000


async def doomed(ctx: Context) -> None:
    raise Fail("the disk /dev/sda1 is full")


@pytest.mark.slow
async def test_a_storm_is_one_message_with_the_count(bench: Bench, mailing: PostOffice) -> None:
    agent = await bench.agent(doomed, breaker=False)
    await rule(bench.db, wait_s=3600, repeat_s=3600)
    await bench.db.execute(
        "INSERT INTO agent_tasks (agent_id) SELECT %s FROM generate_series(1, %s)", (agent, STORM)
    )

    async def counted() -> bool:
        row = await bench.db.fetch_one("SELECT sum(count) AS n FROM notifications")
        return row is not None and row["n"] == STORM

    async def all_delivered() -> bool:
        row = await bench.db.fetch_one(
            "SELECT bool_and(status = 'completed') AS done FROM agent_tasks"
            " WHERE task_type = 'notification'"
        )
        return row is not None and bool(row["done"])

    fast = replace(FAST, slots=20)
    async with AsyncExitStack() as fleet:
        for _ in range(2):
            await fleet.enter_async_context(bench.running(fast))
        await bench.until(counted, within_s=40)
        await bench.db.execute("UPDATE notifications SET due_at = now()")  # an hour later
        await bench.until(all_delivered)
    (mail,) = mails(mailing)
    assert mail["subject"] == "[oppspot] 1,000 tasks failed for good: doomed"
    text = mail.get_content()
    assert "By agent: doomed (1,000)" in text
    assert "the disk /dev/sda1 is full" in text
    row = await bench.db.fetch_one("SELECT fingerprint FROM dead_letter_tasks LIMIT 1")
    assert row is not None
    assert f"dead-letters requeue --fingerprint {row['fingerprint']}" in text
    assert await bench.db.fetch_all("SELECT FROM notification_events") == []


async def test_a_mail_server_that_hangs_delays_no_task(bench: Bench, mailing: PostOffice) -> None:
    gate = asyncio.Event()
    begun: list[int] = []

    async def gated(ctx: Context) -> None:
        begun.append(ctx.run_token)
        await gate.wait()

    mailing.answers["DATA"] = "hang"
    agent = await bench.agent(gated)
    await rule(bench.db)
    tasks = [await bench.task(agent) for _ in range(53)]

    async def are_busy() -> bool:
        return len(begun) == 3

    async with bench.running():
        await bench.until(are_busy)
        await dead(bench.db)
        await asyncio.wait_for(mailing.hangs.wait(), 20)  # though no slot is free
        assert len(begun) == 3
        gate.set()
        rows = await bench.ended(*tasks)
        assert {row["status"] for row in rows} == {"completed"}
        hanging = await bench.db.fetch_all(
            "SELECT FROM agent_tasks WHERE task_type = 'notification' AND status = 'processing'"
        )
        assert len(hanging) == 1
        assert not mailing.freed.is_set()


async def test_a_delivery_that_hangs_delays_no_other_one(bench: Bench, mailing: PostOffice) -> None:
    mailing.answers["DATA"] = "hang"
    await rule(bench.db)

    async def one_arrived() -> bool:
        return len(mails(mailing)) == 1

    async with bench.running():
        await dead(bench.db)
        await asyncio.wait_for(mailing.hangs.wait(), 20)
        mailing.answers.clear()
        await dead(bench.db)
        await bench.until(one_arrived)
        assert not mailing.freed.is_set()
        mailing.freed.set()


async def test_who_runs_alone_waits_for_no_delivery_and_is_left_alone(
    bench: Bench, mailing: PostOffice
) -> None:
    gate, begun = asyncio.Event(), asyncio.Event()

    async def gated(ctx: Context) -> None:
        begun.set()
        await gate.wait()

    mailing.answers["DATA"] = "hang"
    agent = await bench.agent(gated)
    await rule(bench.db)
    async with bench.running() as runner:
        await dead(bench.db)
        await asyncio.wait_for(mailing.hangs.wait(), 20)
        task = await bench.task(agent, crash_count=2)
        await asyncio.wait_for(begun.wait(), 20)
        mailing.answers.clear()
        mailing.freed.set()

        async def has_ended() -> bool:
            return not any(one.task.is_notification for one in runner.attempts.values())

        await bench.until(has_ended)
        assert not runner.can_deliver()  # it could die with the one that is alone
        await dead(bench.db)
        gate.set()
        await bench.ended(task)

        async def both() -> bool:
            return len(mails(mailing)) == 2

        await bench.until(both)


async def test_runners_deliver_what_they_serve(bench: Bench, mailing: PostOffice) -> None:
    await rule(bench.db)
    await dead(bench.db)

    async def in_line() -> bool:
        query = "SELECT status FROM agent_tasks WHERE task_type = 'notification'"
        return {one["status"] for one in await bench.db.fetch_all(query)} == {"pending"}

    other = await bench.task(await bench.agent(doomed), task_type="other")
    async with bench.running(replace(FAST, task_types=("other",))):
        await bench.until(in_line)
        await bench.ended(other)
        assert await in_line()
    async with bench.running(replace(FAST, task_types=("notification",))):

        async def sent() -> bool:
            return len(mails(mailing)) > 0

        await bench.until(sent)
