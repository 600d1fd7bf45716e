"""All that writes tasks, at once and on the same tasks: nobody waits in a circle.

Rows are locked in one order: tasks by id, then nodes and runs, then assignments; who can pass over
what is locked does so.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any
from uuid import UUID

import psycopg
import pytest

from oppspot_runner.base import outcome as ends
from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.breaker import Breaker
from oppspot_runner.base.errors import ConflictError, NotFoundError
from oppspot_runner.base.task import Task
from oppspot_runner.db.operation import Operation
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.db.sessions import GivenAsyncSession
from oppspot_runner.queue import client, dead_letters, members, producer, store
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.settlement import settlement
from oppspot_runner.runner.settler import write
from oppspot_runner.scheduler import ticking
from oppspot_runner.workflow import chain, runs
from tests.queue.acts import begun
from tests.stepping import Stepper, session

SESSIONS = 6
NEVER = Breaker(failures=1_000_000)  # counts errors, and holds nobody back
STEPS = 250
LATELY = 20  # few tasks and few runs, so that sessions meet
GRAPH = {"A": "", "B": "A", "C": "A", "D": "A", "E": "BC", "F": "CD", "G": "EF", "H": "BD"}
ODD = {"D": ("run", None, True), "F": ("fail", None, False), "G": ("run", "$.output.x", False)}
AGENT = "INSERT INTO ai_agents (name, agent_type) VALUES (%s, 'noop') RETURNING id"
ASSIGN = """
    INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids, on_failure,
        condition, requires_approval, approval_timeout)
    VALUES (%s, %s, %s, %s, %s, %s, '1 microsecond')
"""

START = """
    SELECT run_stream(%s, strategy => %s, max_parallel => %s)
    WHERE 3 > (SELECT count(*) FROM stream_runs WHERE status = 'running')
"""
DUE_AGAIN = """
    UPDATE schedules SET look_at = oppspot_now(), since = oppspot_now() - interval '1 hour'
    WHERE id IN (
        SELECT id FROM schedules WHERE expression <> 'realtime' AND look_at > oppspot_now()
        FOR NO KEY UPDATE SKIP LOCKED)
"""
GAIN = "INSERT INTO stream_insights (stream_id, kind, title) VALUES (%s, 'signal', 'x')"
RESCHEDULE = [
    "UPDATE ai_agents SET schedule_cron = '* * * * * *', is_active = NOT is_active WHERE id = %s",
    "UPDATE ai_agents SET schedule_cron = NULL, is_active = true WHERE id = %s",
    "UPDATE stream_agent_assignments SET execution_frequency = 'realtime' WHERE agent_id = %s",
    "UPDATE stream_agent_assignments SET execution_frequency = 'hourly' WHERE agent_id = %s",
]
RUN = UUID(int=1)
TASKS = [UUID(int=n) for n in range(9, 4, -1)]  # in the heap, the last id comes first
FILL = """
    INSERT INTO agent_tasks
        (id, run_id, execution_id, attempt, status, runner_id, run_token, finished_at)
    SELECT t, '{run}', t, 1, '{status}', CASE '{status}' WHEN 'processing' THEN 1 END,
           CASE '{status}' WHEN 'processing' THEN right(t::text, 2)::integer END,
           CASE '{status}' WHEN 'failed' THEN oppspot_now() END
    FROM unnest(%s::uuid[]) t
"""


class World:
    """A stream whose agents depend on each other, and what everybody knows of its tasks."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.agents: dict[str, UUID] = {}
        self.stream: UUID
        self.claimed: list[Task] = []  # lately, by anybody, whoever has them by now

    async def lay(self) -> None:
        self.stream = await self.made("INSERT INTO streams (name) VALUES ('s') RETURNING id")
        for name in GRAPH:
            self.agents[name] = await self.made(AGENT, name)
        for name, needs in GRAPH.items():
            above = [self.agents[one] for one in needs]
            rules = ODD.get(name, ("skip", None, False))
            await self.db.execute(ASSIGN, (self.stream, self.agents[name], above, *rules))

    async def made(self, query: Any, *values: Any) -> UUID:
        row = await self.db.fetch_one(query, values)
        assert row is not None
        made: UUID = row["id"]
        return made


class Session:
    """Does one random thing after the other; counts what it did, and its deadlocks."""

    def __init__(self, world: World, connection: Connection, dice: random.Random) -> None:
        self.world, self.connection, self.dice = world, connection, dice
        self.did: Counter[str] = Counter()
        self.now_at = ""

    async def work(self) -> None:
        things: list[Callable[[], Awaitable[Any]]] = [
            self.claim, self.claim, self.finish, self.finish, self.finish, self.look_after,
            self.look_after, self.cancel_run, self.cancel, self.retry, self.start, self.enqueue,
            self.prune, self.note, self.give_back, self.fold, self.requeue, self.approve,
            self.rerun, self.expire, self.tick, self.gain, self.reschedule,
        ]  # fmt: skip
        for _ in range(STEPS):
            thing = self.dice.choice(things)
            self.now_at = thing.__name__
            self.did[self.now_at] += bool(await thing())

    def some(self, most: int) -> list[Task]:
        """Some of the latest tasks, in no order; others may finish the same at the same time."""
        latest = self.world.claimed[-LATELY:]
        return self.dice.sample(latest, min(most, len(latest)))

    async def pick(self, table: str, condition: str) -> list[UUID]:
        query = f"SELECT id FROM {table} WHERE {condition} ORDER BY random() LIMIT 5"
        return [r["id"] for r in await (await self.connection.execute(query)).fetchall()]  # type: ignore[arg-type]

    async def run(self, operation: Operation[Any]) -> Any:
        with suppress(NotFoundError, ConflictError):
            return await GivenAsyncSession(self.connection).run(operation)

    async def claim(self) -> int:
        """In the name of a runner that has no row: it counts as dead from the beginning."""
        claimed = await Claimer(self.dice.randint(1000, 1002)).claim(self.connection, 5)
        self.world.claimed += claimed.tasks
        return len(claimed.tasks)

    async def finish(self) -> int:
        done = [ends.Done({}), ends.Fail("no"), ends.Retry("again", after_s=0), ends.Release("r")]
        some = [
            settlement(
                task, self.dice.choice(done), backoff=Backoff(), max_retries=3, breaker=NEVER
            )
            for task in self.some(10)
        ]
        async with self.connection.transaction():
            return len((await write(self.connection, 1, some)).ids)

    async def look_after(self) -> int:
        async with self.connection.transaction():
            promoted = (await store.promote(self.connection)).tasks
            found, _ = await store.rescue(self.connection, 1)
            ended = [
                chain.Settled(one.run_id, one.agent_id, one.status, None)
                for one in found
                if one.run_id and one.agent_id
            ]
            await chain.after(self.connection, ended)
        return promoted + len(found)

    async def cancel_run(self) -> int:
        for one in (await self.pick("stream_runs", "status = 'running'"))[:1]:
            return len(await self.run(runs.cancel_run(one)) or [])
        return 0

    async def cancel(self) -> int:
        open_tasks = await self.pick("agent_tasks", "status IN ('pending', 'processing')")
        return sum([bool(await self.run(client.cancel(one))) for one in open_tasks[:2]])

    async def retry(self) -> int:
        ended = await self.pick("agent_tasks", "status IN ('completed', 'failed', 'cancelled')")
        return sum([bool(await self.run(client.retry(one))) for one in ended[:2]])

    async def requeue(self) -> int:
        failed = {"ids": await self.pick("agent_tasks", "status = 'failed'"), "payload": None}
        with suppress(psycopg.errors.UniqueViolation):
            return (await self.connection.execute(dead_letters.REQUEUE, failed)).rowcount
        return 0

    async def start(self) -> int:
        strategy = self.dice.choice(["event", "event", "level", "sequential"])
        how = (self.world.stream, strategy, self.dice.choice([None, None, 2]))
        return (await self.connection.execute(START, how)).rowcount

    async def approve(self) -> int:
        waiting = "id IN (SELECT run_id FROM stream_run_nodes WHERE status = 'awaiting_approval')"
        picked = await self.pick("stream_runs", waiting)
        return sum([await self.run(runs.approve_run(one)) or 0 for one in picked[:2]])

    async def rerun(self) -> int:
        ended = await self.pick("stream_runs", "status <> 'running'")
        return sum([bool(await self.run(runs.rerun_run(one))) for one in ended[:1]])

    async def expire(self) -> int:
        await chain.expire_approvals(self.connection)
        return 1

    async def enqueue(self) -> int:
        """One of everybody's keys, or several of its own.

        Two that bring several of the same keys can meet when one of these becomes free just
        between their write and their look: then one of them has to be tried again.
        """
        how = self.dice.choice(["skip", "replace"])
        own = [f"{id(self)}-{self.dice.randint(1, 8)}" for _ in range(5)]
        keys = self.dice.choice([own, [str(self.dice.randint(1, 3))]])
        agent, payloads = self.world.agents["A"], [{}] * len(keys)
        wanted = producer.enqueue_many(agent, payloads, unique_keys=keys, on_conflict=how)
        return len(await self.run(wanted) or [])

    async def prune(self) -> int:
        first = store.FIRST_ID
        return (await store.prune_tasks(self.connection, after=first, keep_s=-1))[1]

    async def note(self) -> int:
        tokens = [task.run_token for task in self.some(LATELY)]
        for runner in range(1000, 1003):
            note = {"runner_id": runner, "tokens": tokens, "older_than_s": -1}
            await self.connection.execute(members.NOTE_RUNNING, note)
        return 1

    async def give_back(self) -> int:
        tokens = [task.run_token for task in self.some(3)]
        return await store.give_back(self.connection, self.dice.randint(1000, 1002), tokens)

    async def tick(self) -> int:
        """A look at schedules that are due, all of them again and again."""
        async with self.connection.transaction():
            await self.connection.execute(DUE_AGAIN)
            return (await ticking.tick(self.connection)).looked_at

    async def gain(self) -> int:
        return (await self.connection.execute(GAIN, (self.world.stream,))).rowcount

    async def reschedule(self) -> int:
        agent = self.world.agents[self.dice.choice("ABCD")]
        query = self.dice.choice(RESCHEDULE)
        return (await self.connection.execute(query, (agent,))).rowcount

    async def fold(self) -> int:
        await store.fold_tallies(self.connection)
        return 1


@pytest.mark.slow
@pytest.mark.ci_slice
@pytest.mark.timeout(120)
async def test_nobody_waits_in_a_circle(db: Database, request: pytest.FixtureRequest) -> None:
    world = World(db)
    await world.lay()
    seed = request.config.getoption("randomly_seed")
    async with AsyncExitStack() as stack:
        sessions = [
            Session(world, await stack.enter_async_context(session(db)), random.Random(seed + n))
            for n in range(SESSIONS)
        ]
        try:
            async with asyncio.timeout(90), asyncio.TaskGroup() as group:
                for one in sessions:
                    group.create_task(one.work())
        except* psycopg.errors.DeadlockDetected as circle:
            who = {one.connection.info.backend_pid: one.now_at for one in sessions}
            pytest.fail(f"{who}: {circle.exceptions[0]}")
    idle = {
        name for name, times in sum((one.did for one in sessions), Counter()).items() if not times
    }
    assert not idle, f"these never met anything to do: {idle}"


async def finish_all(connection: Connection) -> Any:
    tasks = [begun(task, task.int, 1) for task in TASKS]
    return await store.finish(connection, 1, [
        settlement(task, ends.Done({}), backoff=Backoff(), max_retries=3) for task in tasks
    ])  # fmt: skip


async def cancel_all(connection: Connection) -> Any:
    return await GivenAsyncSession(connection).run(runs.cancel_run(RUN))


async def requeue_all(connection: Connection) -> Any:
    requeue = {"ids": TASKS, "payload": None}
    return (await connection.execute(dead_letters.REQUEUE, requeue)).rowcount


async def discard_all(connection: Connection) -> Any:
    discard = {"ids": TASKS, "reason": None}
    return (await connection.execute(dead_letters.DISCARD, discard)).rowcount


async def give_back_all(connection: Connection) -> Any:
    return await store.give_back(connection, 1, [task.int for task in TASKS])


@pytest.mark.parametrize(
    ("status", "act"),
    [
        ("processing", finish_all),
        ("processing", cancel_all),
        ("processing", give_back_all),
        ("failed", requeue_all),
        ("failed", discard_all),
    ],
)
async def test_many_tasks_are_locked_by_their_ids(
    db: Database, status: str, act: Callable[[Connection], Awaitable[Any]]
) -> None:
    await db.execute("INSERT INTO stream_runs (id, open_nodes) VALUES (%s, 1)", (RUN,))
    await db.execute(FILL.format(run=RUN, status=status), (TASKS,))  # type: ignore[arg-type]
    lock = "SELECT FROM agent_tasks WHERE id = ANY (%s) FOR UPDATE NOWAIT"
    async with session(db) as first, session(db) as second, session(db) as actor:
        stepper = Stepper(actor, act)
        async with asyncio.TaskGroup() as group:
            async with first.transaction():
                await first.execute(lock, ([min(TASKS)],))
                stepper.start_next(group)
                stepper.start_next(group)
                await stepper.done_or_blocked(db)
                # It waits for the first, and has not touched the others.
                await second.execute(lock, (sorted(TASKS)[1:],))
            stepper.start_next(group)
    assert stepper.results[1], "nothing was done"
