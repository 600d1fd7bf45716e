"""Fan-out: children are made once, joined without a slot, and share the fate of their parent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.agents.context import Context
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base import outcome as ends
from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.errors import Fail, InvalidInputError
from oppspot_runner.base.events import WakeChanged
from oppspot_runner.db.pool import Connection
from oppspot_runner.queue import store
from oppspot_runner.queue.settlement import settlement
from oppspot_runner.runner.settler import write
from tests.queue.acts import begun
from tests.runner.conftest import FAST, KILL_LISTENER, Bench
from tests.stepping import Stepper, interleave, session
from tests.workflow.waiting import stream_of, value, waits

SLOW_POLL = replace(FAST, poll_s=60, slots=1)  # what is woken is woken by what happens


async def doubles(ctx: Context) -> dict[str, Any]:
    if ctx.payload["n"] < 0:
        raise Fail("less than nothing")
    return {"n": ctx.payload["n"] * 2}


async def spawns(ctx: Context) -> dict[str, Any]:
    numbers = [{"n": n} for n in ctx.payload["numbers"]]
    got = await ctx.spawn("doubles", numbers, return_exceptions=ctx.payload.get("all", False))
    return {"got": [one["n"] if isinstance(one, dict) else str(one) for one in got]}


def spawns_in_a_thread(ctx: Any) -> dict[str, Any]:
    return {"got": [one["n"] for one in ctx.spawn("doubles", [{"n": 1}, {"n": 2}])]}


async def children(bench: Bench) -> list[dict[str, Any]]:
    return await bench.db.fetch_all(
        "SELECT * FROM agent_tasks WHERE parent_task_id IS NOT NULL ORDER BY id"
    )


async def output(bench: Bench, task: Any) -> Any:
    (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    return (await bench.attempts(task))[-1]["output_data"]


async def test_outputs_come_in_the_order_of_the_payloads_in_one_slot(bench: Bench) -> None:
    await bench.agent(doubles)
    payload = '{"numbers": [3, 1, 2, 5, 4]}'
    task = await bench.task(await bench.agent(spawns), payload=payload, priority=7)
    async with bench.running(SLOW_POLL):
        assert await output(bench, task) == {"got": [6, 2, 4, 10, 8]}
    made = await children(bench)
    assert [row["payload"]["n"] for row in made] == [3, 1, 2, 5, 4]
    assert {(row["parent_task_id"], row["priority"]) for row in made} == {(task, 7)}
    assert (await bench.row(task))["attempt"] == 2
    assert await value(bench.db, "SELECT count(*) FROM task_waits") == 0


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["thread", "process"])
@pytest.mark.parametrize("agent", [spawns, spawns_in_a_thread])
async def test_it_spawns_wherever_it_runs(bench: Bench, agent: Any, isolation: str) -> None:
    await bench.agent(doubles)
    parent = await bench.agent(agent, isolation=isolation)
    task = await bench.task(parent, payload='{"numbers": [1, 2]}')
    async with bench.running(SLOW_POLL):
        assert await output(bench, task) == {"got": [2, 4]}


async def test_children_that_fail_fail_the_parent_or_are_told_in_their_places(
    bench: Bench,
) -> None:
    await bench.agent(doubles)
    parent = await bench.agent(spawns)
    strict = await bench.task(parent, payload='{"numbers": [1, -1, 2]}')
    async with bench.running(SLOW_POLL):
        (row,) = await bench.ended(strict)
        assert (row["status"], row["retry_count"]) == ("failed", 0)
        assert "1 of 3 children did not complete" in row["error_message"]
        assert "less than nothing" in row["error_message"]
        lenient = await bench.task(parent, payload='{"numbers": [1, -1, 2], "all": true}')
        got = (await output(bench, lenient))["got"]
    assert (got[0], got[2]) == (2, 4)
    assert "less than nothing" in got[1]


async def test_children_are_made_once_however_often_the_attempt_is_repeated(bench: Bench) -> None:
    async def shaky(ctx: Context) -> dict[str, Any]:
        got = await ctx.spawn("doubles", [{"n": 1}, {"n": 2}])
        if ctx.attempt < 4:
            raise ConnectionError("after the join")
        return {"got": got}

    await bench.agent(doubles)
    parent = await bench.agent(shaky, configuration='{"backoff": {"first": 0}}')
    task = await bench.task(parent)
    async with bench.running(SLOW_POLL):
        assert await output(bench, task) == {"got": [{"n": 2}, {"n": 4}]}
    assert len(await children(bench)) == 2


async def test_a_parent_that_lost_its_runner_finds_its_children(bench: Bench) -> None:
    """Put back as a rescue does it, at the moment before the task is parked."""
    parked = asyncio.Event()

    async def slow(ctx: Context) -> dict[str, Any]:
        await parked.wait()
        return {"n": 1}

    async def parent(ctx: Context) -> dict[str, Any]:
        return {"got": await ctx.spawn("slow", [{}, {}])}

    await bench.agent(slow)
    task = await bench.task(await bench.agent(parent))
    async with bench.running(SLOW_POLL):
        await bench.until(waits(bench, task))
        await bench.db.execute(
            "UPDATE agent_tasks SET scheduled_for = oppspot_now(), crash_count = 1 WHERE id = %s",
            (task,),
        )
        parked.set()
        assert (await output(bench, task))["got"] == [{"n": 1}, {"n": 1}]
    assert len(await children(bench)) == 2


async def test_a_cancelled_parent_takes_its_children_with_it(bench: Bench) -> None:
    begun = asyncio.Event()

    async def endless(ctx: Context) -> None:
        if ctx.payload.get("deep"):
            await ctx.spawn("endless", [{}])
        begun.set()
        await asyncio.Event().wait()

    async def parent(ctx: Context) -> None:
        await ctx.spawn("endless", [{"deep": True}, {}, {}])

    await bench.agent(endless)
    task = await bench.task(await bench.agent(parent))
    async with bench.running(replace(SLOW_POLL, slots=2)):
        await bench.until(waits(bench, task))
        async with asyncio.timeout(10):
            await begun.wait()

        async def all_made() -> bool:
            return len(await children(bench)) == 4

        await bench.until(all_made)
        await AsyncClient(bench.db).cancel(task, "enough")
        rows = await bench.ended(task, *[row["id"] for row in await children(bench)])
    assert {row["status"] for row in rows} == {"cancelled"}
    assert {row["cancel_reason"] for row in rows} == {"enough"}


@pytest.fixture
async def joining(bench: Bench) -> UUID:
    """A task of `spawns`; nobody serves its two children, which it lets fail."""
    await bench.agent_row("doubles", configuration='{"task_type": "elsewhere"}')
    return await bench.task(await bench.agent(spawns), payload='{"numbers": [1, 2], "all": true}')


HERE = replace(SLOW_POLL, task_types=("agent_execution",))


async def test_children_that_end_by_hand_wake_their_parent_at_once(
    bench: Bench, joining: UUID
) -> None:
    async with bench.running(HERE):
        await bench.until(waits(bench, joining))
        one, other = await children(bench)
        await AsyncClient(bench.db).cancel(one["id"], "not wanted")
        await bench.db.execute(
            "UPDATE agent_tasks SET status = 'failed', error_message = 'mine' WHERE id = %s",
            (other["id"],),
        )
        got = (await output(bench, joining))["got"]
    assert "not wanted" in got[0]
    assert "mine" in got[1]


async def test_a_parent_whose_children_have_all_ended_is_still_to_be_done(
    bench: Bench, joining: UUID
) -> None:
    async with bench.running(HERE):
        await bench.until(waits(bench, joining))
    drained = []
    async with bench.db.connection() as connection:
        for child in await children(bench):
            drained.append(await store.is_drained(connection, HERE.abilities))
            await connection.execute("SELECT cancel_task(%s)", (child["id"],))
        drained.append(await store.is_drained(connection, HERE.abilities))
    assert drained == [True, True, False]


async def test_two_hands_that_do_not_see_each_other_wake_the_parent_all_the_same(
    bench: Bench, joining: UUID
) -> None:
    async with bench.running(HERE), session(bench.db) as first, session(bench.db) as second:
        await bench.until(waits(bench, joining))
        for hand, child in zip((first, second), await children(bench), strict=True):
            await hand.execute("BEGIN")
            await hand.execute("SELECT cancel_task(%s, 'no')", (child["id"],))
        await first.execute("COMMIT")
        await second.execute("COMMIT")
        assert len((await output(bench, joining))["got"]) == 2


async def test_a_hand_that_ends_the_last_child_reaches_a_parent_on_its_way_into_its_wait(
    bench: Bench, joining: UUID
) -> None:
    await bench.db.execute(
        "UPDATE agent_tasks SET status = 'processing', run_token = 1, runner_id = 999, attempt = 1"
    )
    async with bench.db.connection() as connection:
        spawn = "SELECT over FROM spawn_tasks(%s, 1, 's', 0, 'doubles', '[{}]')"
        assert await (await connection.execute(spawn, (joining,))).fetchone() == {"over": False}
        assert await store.wake_waiting(connection) == 0
        (child,) = await children(bench)
        await connection.execute("SELECT cancel_task(%s)", (child["id"],))
        assert [await store.wake_waiting(connection) for _ in range(2)] == [1, 0]
    assert (await bench.row(joining))["signalled"]


DEAD = """
    UPDATE agent_tasks SET status = 'processing', parked = false, attempt = attempt + 1,
        run_token = 999, runner_id = 999, crash_count = %s,
        cancel_requested_at = CASE WHEN %s THEN oppspot_now() END WHERE id = %s
"""


@pytest.mark.parametrize(
    ("crashes", "cancelled", "status"), [(2, False, "failed"), (0, True, "cancelled")]
)
async def test_a_parent_whose_end_a_rescue_writes_takes_its_children_with_it(
    bench: Bench, joining: UUID, crashes: int, cancelled: bool, status: str
) -> None:
    async with bench.running(HERE):
        await bench.until(waits(bench, joining))
        rows = await children(bench)
        await bench.db.execute(  # one of them has a child itself
            "INSERT INTO agent_tasks (task_type, parent_task_id) VALUES ('elsewhere', %s)",
            (rows[0]["id"],),
        )
        await bench.db.execute(DEAD, (crashes, cancelled, joining))
    async with bench.running(HERE):
        (row,) = await bench.ended(joining)
        ended = await bench.ended(*[one["id"] for one in await children(bench)])
    assert row["status"] == status
    assert [one["status"] for one in ended] == ["cancelled"] * 3


async def test_a_child_whose_end_a_rescue_writes_wakes_its_parent_at_once(
    bench: Bench, joining: UUID
) -> None:
    async with bench.running(HERE):
        await bench.until(waits(bench, joining))
        one, other = await children(bench)
        await bench.db.execute(DEAD, (0, True, one["id"]))
        await AsyncClient(bench.db).cancel(other["id"], "no")  # lets the runner poll
        assert len((await output(bench, joining))["got"]) == 2


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_a_parent_that_ends_by_hand_takes_its_children_with_it_and_brings_them_back(
    bench: Bench, joining: UUID, status: str
) -> None:
    async with bench.running(HERE):
        await bench.until(waits(bench, joining))
        await bench.db.execute(
            "UPDATE agent_tasks SET status = %s WHERE id = %s", (status, joining)
        )
        assert {row["status"] for row in await children(bench)} == {"cancelled"}
        await AsyncClient(bench.db).retry(joining)
        await bench.until(waits(bench, joining))
        rows = await children(bench)
        assert [row["status"] for row in rows] == ["pending"] * 2
    await bench.db.execute("UPDATE agent_tasks SET task_type = 'agent_execution'")
    bench.registry.register(doubles)
    async with bench.running(HERE):
        assert await output(bench, joining) == {"got": [2, 4]}


async def test_a_parent_that_is_retried_takes_children_back_that_are_still_being_cancelled(
    bench: Bench, joining: UUID
) -> None:
    """Their attempts are fenced: they would end as cancelled under a parent that waits for them."""
    async with bench.running(HERE):
        await bench.until(waits(bench, joining))
        one = (await children(bench))[0]["id"]
        await bench.db.execute(DEAD, (0, False, one))
        await bench.db.execute(
            "UPDATE agent_tasks SET runner_id = (SELECT id FROM task_runners) WHERE id = %s", (one,)
        )
        await bench.db.execute("UPDATE agent_tasks SET status = 'failed' WHERE id = %s", (joining,))
        rows = await children(bench)
        assert [row["status"] for row in rows] == ["processing", "cancelled"]
        assert rows[0]["cancel_requested_at"] is not None
        await AsyncClient(bench.db).retry(joining)
        rows = await children(bench)
        assert [row["status"] for row in rows] == ["pending"] * 2
        assert [row["cancel_requested_at"] for row in rows] == [None] * 2
        late = settlement(begun(one, 999, 1), ends.Cancel("x"), backoff=Backoff(), max_retries=3)
        async with bench.db.connection() as connection:
            assert not (await write(connection, 1, [late])).ids


async def test_a_child_that_is_deleted_wakes_its_parent_and_a_parent_takes_its_children_with_it(
    bench: Bench, joining: UUID
) -> None:
    lost = await bench.task((await bench.row(joining))["agent_id"], payload='{"numbers": [1]}')
    async with bench.running(HERE):
        await bench.until(waits(bench, joining))
        await bench.until(waits(bench, lost))
        delete = "DELETE FROM agent_tasks WHERE parent_task_id = %s"
        await bench.db.execute(delete, (joining,))
        (row,) = await bench.ended(joining)
        assert row["error_message"] == "2 of 2 children are deleted"
        await bench.db.execute("DELETE FROM agent_tasks WHERE id = %s", (lost,))
    (left,) = await children(bench)
    assert (left["status"], left["cancel_reason"]) == ("cancelled", "its parent was deleted")


async def test_children_that_are_deleted_while_nobody_hears_of_it_wake_their_parent(
    bench: Bench, joining: UUID
) -> None:
    async def wakes(*expected: str) -> None:
        async def changed() -> bool:
            return [event.wake for event in bench.happened(WakeChanged)] == [*expected]

        await bench.until(changed)

    async with bench.running(HERE):
        await bench.until(waits(bench, joining))
        await wakes("notify")
        await bench.db.execute(KILL_LISTENER)
        await wakes("notify", "poll")
        await bench.db.execute("DELETE FROM agent_tasks WHERE parent_task_id = %s", (joining,))
        (row,) = await bench.ended(joining)
    assert row["error_message"] == "2 of 2 children are deleted"


SPAWN = "SELECT over FROM spawn_tasks(%s, 1, 's', 0, 'doubles', '[{}, {}]')"


@pytest.mark.parametrize(
    "verdict", [ends.Fail("no"), ends.Cancel("enough"), ends.Snooze("later", after_s=9)]
)
@pytest.mark.parametrize("order", ["s" * 3 + "e" * 3, "s" * 2 + "e" * 2 + "s" + "e"])
async def test_an_end_amid_a_spawn_leaves_no_child_behind(
    bench: Bench, joining: UUID, order: str, verdict: Any
) -> None:
    """The end waits for the spawn, or finds what it made. A cancel was asked for: a snooze ends."""
    await bench.db.execute(
        "UPDATE agent_tasks SET status = 'processing', run_token = 1, runner_id = 999, attempt = 1,"
        " execution_id = id, cancel_requested_at = oppspot_now()"
    )
    end = settlement(begun(joining, 1, 1), verdict, backoff=Backoff(), max_retries=3)

    async def spawn(connection: Connection) -> None:
        await connection.execute(SPAWN, (joining,))

    async def finish(connection: Connection) -> None:
        await write(connection, 999, [end])

    async with session(bench.db) as one, session(bench.db) as other:
        steppers = {"s": Stepper(one, spawn), "e": Stepper(other, finish)}
        await interleave(bench.db, steppers, order)
    assert (await bench.row(joining))["status"] in ("failed", "cancelled")
    assert [row["status"] for row in await children(bench)] == ["cancelled"] * 2


@pytest.mark.parametrize("order", ["s" * 3 + "e" * 3, "s" * 2 + "e" * 2 + "s" + "e"])
@pytest.mark.parametrize("by", ["status", "cancel_run"])
async def test_a_hand_amid_a_spawn_leaves_no_child_behind(
    bench: Bench, joining: UUID, order: str, by: str
) -> None:
    agent = (await bench.row(joining))["agent_id"]
    run = await value(bench.db, "SELECT run_stream(%s)", await stream_of(bench.db, agent))
    task = await value(bench.db, "SELECT id FROM agent_tasks WHERE run_id = %s", run)
    await bench.db.execute(
        "UPDATE agent_tasks SET status = 'processing', run_token = 1, runner_id = 999, attempt = 1"
        " WHERE id = %s",
        (task,),
    )

    async def spawn(connection: Connection) -> None:
        await connection.execute(SPAWN, (task,))

    async def hand(connection: Connection) -> None:
        if by == "status":
            await connection.execute(
                "UPDATE agent_tasks SET status = 'cancelled' WHERE id = %s", (task,)
            )
        else:
            await connection.execute("SELECT cancel_run(%s)", (run,))

    async with session(bench.db) as one, session(bench.db) as other:
        await interleave(bench.db, {"s": Stepper(one, spawn), "e": Stepper(other, hand)}, order)
    async with bench.running(HERE):  # ends what its dead runner was asked to end
        (row,) = await bench.ended(task)
    assert row["status"] == "cancelled"
    rows = [one for one in await children(bench) if one["parent_task_id"] == task]
    assert [one["status"] for one in rows] == ["cancelled"] * 2


@pytest.mark.slow
async def test_thousands_of_children_are_joined(bench: Bench) -> None:
    await bench.agent(doubles)
    payload = f'{{"numbers": {list(range(3000))}}}'
    task = await bench.task(await bench.agent(spawns), payload=payload)
    async with bench.running(replace(SLOW_POLL, slots=20)):
        (row,) = await bench.ended(task, within_s=50)
    assert row["status"] == "completed", row["error_message"]
    assert row["attempt"] == 2
    got = (await bench.attempts(task))[-1]["output_data"]["got"]
    assert got == [2 * n for n in range(3000)]


async def test_what_cannot_be_spawned_is_refused(bench: Bench) -> None:
    async def unusable(ctx: Context) -> dict[str, Any]:
        refused = []
        for agent, payloads in (("", [{}]), ("doubles", [[]]), ("doubles", [{}] * 10_001)):
            try:
                await ctx.spawn(agent, payloads)  # type: ignore[arg-type]
            except InvalidInputError as error:
                refused.append(str(error))
        return {"refused": len(refused), "none": await ctx.spawn("doubles", [])}

    async def unknown(ctx: Context) -> None:
        await ctx.spawn("nobody of that name", [{}])

    fine, lost = [await bench.task(await bench.agent(one)) for one in (unusable, unknown)]
    async with bench.running():
        assert await output(bench, fine) == {"refused": 3, "none": []}
        (row,) = await bench.ended(lost)
    assert (row["status"], row["attempt"]) == ("failed", 1)
    assert "there is no agent 'nobody of that name'" in row["error_message"]


async def test_a_child_that_ends_while_its_parent_is_on_its_way_leaves_it_in_line(
    bench: Bench,
) -> None:
    """The end is committed between the spawn and the parking: the parent is told while it runs."""
    agent = await bench.agent_row("spawns")
    task = await bench.task(agent)
    await bench.db.execute(
        "UPDATE agent_tasks SET status = 'processing', run_token = 1, runner_id = 999, attempt = 1"
    )
    await bench.db.execute(
        "INSERT INTO task_waits (task_id, attempt, kind, name) VALUES (%s, 1, 'children', 'x')",
        (task,),
    )
    async with bench.db.connection() as connection:
        assert await store.wake_parents(connection, [task]) == 1
    assert (await bench.row(task))["signalled"]
