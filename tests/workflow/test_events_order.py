"""Who writes at the same time, twice, too late, or dies: readers still see each event once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from oppspot_runner.agents.context import Context
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.queue.event_writer import EventWriter, Saying
from oppspot_runner.workflow.run_events import RunEvent
from tests.runner.conftest import FAST, Bench
from tests.stepping import Step, Stepper, interleave, session
from tests.workflow.stories import Story, short

ADD = "SELECT add_attempt_events(%s::uuid[], %s::bigint[], %s::text[], %s::jsonb[]) AS mine"


@pytest.fixture
def story(bench: Bench) -> Story:
    return Story(bench)


async def begin(db: Database, run: UUID) -> list[dict[str, Any]]:
    """Lets all tasks of a run that wait be on, as a claim would; id and run_token."""
    return await db.fetch_all(
        "UPDATE agent_tasks SET status = 'processing', runner_id = 7, attempt = attempt + 1,"
        " run_token = nextval('agent_tasks_run_token_seq'), started_at = oppspot_now()"
        " WHERE run_id = %s AND status = 'pending' RETURNING id, run_token",
        (run,),
    )


async def told(bench: Bench, kind: str) -> None:
    """Waits until an event of that kind is written."""

    async def is_there() -> bool:
        return bool(await bench.db.fetch_all("SELECT FROM run_events WHERE type = %s", (kind,)))

    await bench.until(is_there)


def says(task: dict[str, Any], text: str) -> Step:
    async def add(connection: Connection) -> Any:
        given = ([task["id"]], [task["run_token"]], ["log"], [f'{{"message": "{text}"}}'])
        return await (await connection.execute(ADD, given)).fetchone()

    return add


def ends(task: dict[str, Any]) -> Step:
    async def end(connection: Connection) -> None:
        await connection.execute(
            "UPDATE agent_tasks SET status = 'completed' WHERE id = %s", (task["id"],)
        )

    return end


@pytest.mark.parametrize("seed", range(12))
async def test_a_reader_beside_two_writers_misses_nothing(
    bench: Bench, story: Story, seed: int
) -> None:
    """After every step of the writers somebody reads on from the last number that he saw."""
    await story.lay({"A": "", "B": "", "C": "AB"})
    run = await story.start()
    one, two = await begin(bench.db, run)
    seen: list[RunEvent] = []

    async def read_on(_: Connection) -> None:
        page = await story.client._page(run, seen[-1].seq if seen else 0)
        seen.extend(page.events)

    def step(action: Step) -> Step:
        async def both(connection: Connection) -> None:
            await action(connection)
            await read_on(connection)

        return both

    async with session(bench.db) as first, session(bench.db) as second:
        steppers = {
            "1": Stepper(first, step(says(one, "1a")), step(says(one, "1b")), step(ends(one))),
            "2": Stepper(second, step(says(two, "2a")), step(says(two, "2b")), step(ends(two))),
        }
        order = list("11111" + "22222")
        random.Random(seed).shuffle(order)
        await interleave(bench.db, steppers, order)
    await read_on(bench.db)  # type: ignore[arg-type]
    assert [event.seq for event in seen] == list(range(1, len(seen) + 1))
    assert sorted(e.data["message"] for e in seen if e.type == "log") == ["1a", "1b", "2a", "2b"]
    assert short(seen)[-1] == "C queued"


async def test_an_attempt_that_lost_its_task_writes_nothing(bench: Bench, story: Story) -> None:
    await story.lay({"A": ""})
    run = await story.start()
    (zombie,) = await begin(bench.db, run)
    await bench.db.execute("UPDATE agent_tasks SET status = 'pending' WHERE run_id = %s", (run,))
    (living,) = await begin(bench.db, run)
    async with bench.db.connection() as connection:
        refused = await says(zombie, "from the grave")(connection)
        taken = await says(living, "alive")(connection)
    assert (refused, taken) == ({"mine": []}, {"mine": [living["run_token"]]})
    page = await story.client._page(run, 0)
    assert [event.data["message"] for event in page.events if event.type == "log"] == ["alive"]


async def test_a_zombie_that_goes_on_talking_learns_it(bench: Bench, story: Story) -> None:
    """Its events stop; what the next attempt says is all that is told after it."""
    talking, said_on = asyncio.Event(), list[str]()

    async def talks(ctx: Context) -> dict[str, Any]:
        if ctx.attempt > 1:
            await ctx.emit_chunk("second")
            return {}
        await ctx.emit_chunk("first")
        await told(bench, "output_chunk")
        talking.set()
        try:
            await asyncio.Event().wait()
        finally:
            said_on.append("again")
            await ctx.emit_chunk("zombie")
        return {}

    await story.lay({"A": ""}, A=talks)
    async with bench.running(replace(FAST, lease_s=1, poll_s=0.2)):
        run = await story.start()
        await asyncio.wait_for(talking.wait(), 10)
        await bench.db.execute("UPDATE agent_tasks SET status = 'pending'")
        events = await story.told(run)
    assert said_on
    chunks = [(e.attempt, e.data["chunk"]) for e in events if e.type == "output_chunk"]
    assert chunks == [(1, "first"), (2, "second")]
    assert short(events)[-1] == "completed"


async def test_the_last_event_comes_after_the_runner_was_killed(bench: Bench, story: Story) -> None:
    """Its rows are left as a kill leaves them; a second runner brings the run to its end."""
    await story.lay({"A": "", "B": "A"})
    run = await story.start()
    await begin(bench.db, run)  # by a runner that has no row: dead
    follower = asyncio.get_running_loop().create_task(story.told(run))
    async with bench.running(replace(FAST, poll_s=0.2)):
        events = await follower
    assert short(events)[-1] == "completed"
    assert [e.attempt for e in events if e.data.get("status") == "running"] == [2, 1]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


async def test_a_write_whose_answer_got_lost_is_not_repeated(
    bench: Bench, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await story.lay({"A": ""})
    run = await story.start()
    (task,) = await begin(bench.db, run)
    writer, cuts = EventWriter(bench.db), ["committed", "not committed"]
    monkeypatch.setattr("oppspot_runner.queue.event_writer.AWAY_S", 0.0)
    monkeypatch.setattr(bench.db, "transaction", cutting(bench.db, cuts))
    for number in range(3):
        text = f'{{"message": "{number}"}}'
        writer.put_now(Saying(task["id"], task["run_token"], "log", text))
        await writer.flush(task["run_token"])
    assert not cuts
    page = await story.client._page(run, 0)
    assert [e.data["message"] for e in page.events if e.type == "log"] == ["0", "1", "2"]


def cutting(db: Database, cuts: list[str]) -> Any:
    """The database's `transaction`, whose line is cut after its commit, then before the next."""
    transaction = db.transaction

    @asynccontextmanager
    async def cut() -> AsyncIterator[Connection]:
        async with transaction() as connection:
            yield connection
            if cuts and cuts[0] == "not committed":
                cuts.pop(0)
                raise psycopg.OperationalError("the connection is lost")
        if cuts and cuts[0] == "committed":
            cuts.pop(0)
            raise psycopg.OperationalError("the connection is lost")

    return cut


async def test_while_the_database_is_away_events_are_kept_and_those_of_ended_attempts_are_not(
    bench: Bench, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await story.lay({"A": "", "B": ""})
    run = await story.start()
    one, two = await begin(bench.db, run)
    writer, tries = EventWriter(bench.db), list[int]()
    monkeypatch.setattr("oppspot_runner.queue.event_writer.AWAY_S", 0.0)
    transaction = bench.db.transaction

    @asynccontextmanager
    async def away() -> AsyncIterator[Connection]:
        tries.append(1)
        if len(tries) == 3:
            writer.forget(two["run_token"])
        if len(tries) < 5:
            raise psycopg.OperationalError("the server is away")
        async with transaction() as connection:
            yield connection

    monkeypatch.setattr(bench.db, "transaction", away)
    for task in (one, two):
        writer.put_now(Saying(task["id"], task["run_token"], "output_chunk", "kept"))
    await writer.flush(one["run_token"])
    page = await story.client._page(run, 0)
    told = [(e.task_id, e.data["chunk"]) for e in page.events if e.type == "output_chunk"]
    assert told == [(one["id"], "kept")]


async def test_what_postgres_forbids_reaches_the_agent(bench: Bench, story: Story) -> None:
    """A role without the right to write events: the attempt fails with that, and does not hang."""
    await bench.db.execute("ALTER FUNCTION add_attempt_events RENAME TO gone")

    async def talks(ctx: Context) -> dict[str, Any]:
        await ctx.emit_chunk("hello")
        return {}

    await story.lay({"A": ""}, A=talks)
    async with bench.running():
        run = await story.start()

        async def tried() -> bool:
            row = await bench.db.fetch_one(
                "SELECT error_message FROM agent_tasks WHERE run_id = %s", (run,)
            )
            return bool(row and row["error_message"])

        await bench.until(tried)
    row = await bench.db.fetch_one(
        "SELECT error_message FROM agent_tasks WHERE run_id = %s", (run,)
    )
    assert row is not None
    assert "add_attempt_events" in row["error_message"]


async def test_a_flush_that_comes_while_its_event_is_being_written_is_answered(
    bench: Bench, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await story.lay({"A": ""})
    run = await story.start()
    (task,) = await begin(bench.db, run)
    writer, begun = EventWriter(bench.db), asyncio.Event()
    transaction = bench.db.transaction

    @asynccontextmanager
    async def slow() -> AsyncIterator[Connection]:
        begun.set()
        async with transaction() as connection:
            yield connection

    monkeypatch.setattr(bench.db, "transaction", slow)
    writer.put_now(Saying(task["id"], task["run_token"], "output_chunk", "late"))
    await begun.wait()
    async with asyncio.timeout(10):
        await writer.flush(task["run_token"])
