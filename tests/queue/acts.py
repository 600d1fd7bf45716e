"""What sessions may do to a few tasks at once: each act on the real queue, and what it means.

Task A runs in the name of a runner whose lease is over, B is ready, C is due but parked; D was
taken away from that runner and runs again elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from oppspot_runner.base import outcome as ends
from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.errors import ConflictError, NotFoundError
from oppspot_runner.base.outcome import Outcome
from oppspot_runner.base.task import Task
from oppspot_runner.db.operation import Operation
from oppspot_runner.db.pool import Connection
from oppspot_runner.db.sessions import GivenAsyncSession
from oppspot_runner.queue import client, journal, members, producer, store
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.settlement import settlement
from tests.queue.crew import Runner
from tests.queue.model import Model, Row

NOW = datetime(2030, 1, 1, tzinfo=UTC)
BEFORE, MINUTE = NOW - timedelta(minutes=2), timedelta(minutes=1)
AGENT, A, B, C, D, NEW = (UUID(int=n) for n in range(1, 7))
DEAD, LEFT, RIGHT = 1, 2, 3  # runners
TOKEN = 2**40  # of the attempt of A; the sequence does not come there
STALE, FRESH = TOKEN + 1, TOKEN + 2  # of the attempts of D


def begun(task: UUID, token: int, attempt: int) -> Task:
    return Task(
        id=task, run_token=token, attempt=attempt, execution_id=UUID(int=token), priority=5,
        task_type="agent_execution", retry_count=0, max_retries=3, crash_count=0, org_id=None,
        stream_id=None, run_id=None, agent=None, payload={}, created_at=BEFORE, started_at=BEFORE,
        wait_ms=0,
    )  # fmt: skip


LOST, OVERTAKEN, ON = begun(A, TOKEN, 1), begun(D, STALE, 1), begun(D, FRESH, 2)
# Run two minutes before NOW, so that C is parked.
FILL = f"""
    WITH a AS (INSERT INTO ai_agents (id, name, agent_type) VALUES ('{AGENT}', 'n', 'noop')
               ON CONFLICT DO NOTHING),
    r AS (INSERT INTO task_runners
            (id, host, pid, version, slots, poll_s, lease_s, beat_s, lease_until)
          OVERRIDING SYSTEM VALUE
          SELECT n, 'h', 1, '0', 3, 5, 30, 5, oppspot_now() + make_interval(mins => m)
          FROM (VALUES ({DEAD}, 1), ({LEFT}, 3), ({RIGHT}, 3)) AS v (n, m))
    INSERT INTO agent_tasks (id, agent_id, unique_key, scheduled_for, status, run_token, runner_id,
                             attempt, started_at, execution_id)
    VALUES ('{A}', '{AGENT}', 'key', oppspot_now(), 'processing', {TOKEN}, {DEAD}, 1, oppspot_now(),
            '{LOST.execution_id}'),
           ('{B}', '{AGENT}', NULL, oppspot_now(), 'pending', NULL, NULL, 0, NULL, NULL),
           ('{C}', '{AGENT}', NULL, oppspot_now() + '1 min', 'pending', NULL, NULL, 0, NULL, NULL),
           ('{D}', '{AGENT}', NULL, oppspot_now(), 'processing', {FRESH}, {LEFT}, 2, oppspot_now(),
            '{ON.execution_id}')
"""


def model_of_it() -> Model:
    model = Model(NOW)
    for number, until in ((DEAD, NOW - MINUTE), (LEFT, NOW + MINUTE), (RIGHT, NOW + MINUTE)):
        model.runners[number] = Runner(number, (), BEFORE, until)
    for row in (
        Row(A, BEFORE, frozenset(), key="key", place=1),
        Row(B, BEFORE, frozenset(), place=2),
        Row(C, NOW - MINUTE, frozenset(), place=3, parked=True),
        Row(D, BEFORE, frozenset(), place=4),
    ):
        model.rows[row.id] = row
    for task, runner in ((LOST, DEAD), (ON, LEFT)):
        row = model.rows[task.id]
        row.status, row.token, row.runner = "processing", task.run_token, runner
        row.attempt, row.started = task.attempt, BEFORE
    return model


@dataclass(frozen=True)
class Act:
    """`skips`: it passes over rows that somebody else has locked."""

    name: str
    really: Callable[[Connection], Awaitable[Any]]
    meant: Callable[[Model], Any]
    skips: bool = False

    def __repr__(self) -> str:
        return self.name


def finish(task: Task, outcome: Outcome, *, hold: bool = False) -> Act:
    """The end of an attempt, with `hold` as where there is something to save."""
    end = settlement(task, outcome, backoff=Backoff(), max_retries=task.max_retries)
    runner = LEFT if task is ON else DEAD

    async def really(connection: Connection) -> bool:
        if hold and not await store.hold(connection, task, runner):
            return False
        return bool(await store.finish(connection, runner, [end]))

    name = f"{'hold and ' if hold else ''}{type(outcome).__name__} {task.id.int}.{task.attempt}"
    return Act(name, really, lambda model: model.finish(runner, task.id, task.run_token, outcome))


def claim(by: int) -> Act:
    async def really(connection: Connection) -> list[UUID]:
        return [task.id for task in (await Claimer(by).claim(connection, 2)).tasks]

    def meant(model: Model) -> list[UUID]:
        taken = model.line(())[:2]
        for row in taken:
            model.claim(model.runners[by], row, token=row.attempt)
        return [row.id for row in taken]

    return Act(f"claim by {by}", really, meant, skips=True)


def rescue(by: int) -> Act:
    async def really(connection: Connection) -> set[tuple[UUID, str]]:
        saved, _ = await store.rescue(connection, by)
        return {(task.id, task.status) for task in saved}

    return Act(f"rescue by {by}", really, lambda m: m.rescue(m.runners[by]), skips=True)


def by_hand(
    name: str,
    operation: Callable[[UUID], Operation[Any]],
    task: UUID,
    meant: Callable[[Model, Row], Any],
) -> Act:
    """An operation of clients on a task, which may be gone or be refused its unique key."""

    async def really(connection: Connection) -> Any:
        try:
            return await GivenAsyncSession(connection).run(operation(task))
        except NotFoundError:
            return "gone"
        except ConflictError:
            return "refused"

    return Act(
        f"{name} {task.int}",
        really,
        lambda m: meant(m, m.rows[task]) if task in m.rows else "gone",
    )


def cancel(task: UUID) -> Act:
    return by_hand("cancel", client.cancel, task, Model.cancel)


def retry(task: UUID) -> Act:
    def meant(model: Model, row: Row) -> bool | str:
        if row.finished is not None and model.key_is_taken(row.key):
            return "refused"
        return model.retry(row)

    return by_hand("retry", client.retry, task, meant)


def set_pending(task: UUID) -> Act:
    async def really(connection: Connection) -> int | str:
        try:
            async with connection.transaction():
                update = "UPDATE agent_tasks SET status = 'pending' WHERE id = %s"
                return (await connection.execute(update, (task,))).rowcount
        except psycopg.errors.UniqueViolation:
            return "refused"

    def meant(model: Model) -> int | str:
        row = model.rows.get(task)
        if row is None:
            return 0
        if row.finished is not None and model.key_is_taken(row.key):
            return "refused"
        model.set_pending(row)
        return 1

    return Act(f"set {task.int} pending", really, meant)


def enqueue_same_key() -> Act:
    async def really(connection: Connection) -> bool:
        wanted = producer.enqueue(AGENT, unique_key="key")
        return await GivenAsyncSession(connection).run(wanted) not in (A, B, C, D)

    def meant(model: Model) -> bool:
        if not model.key_is_taken("key"):
            model.insert(Row(NEW, NOW, frozenset(), key="key"))
        return NEW in model.rows

    return Act("enqueue the same key", really, meant)


def write(what: str, query: Any, task: Task, **values: Any) -> Act:
    """What an attempt writes while it runs."""
    fence = {"task_id": task.id, "run_token": task.run_token}

    async def really(connection: Connection) -> bool:
        return (await connection.execute(query, {**fence, **values})).rowcount == 1

    return Act(
        f"{what} {task.id.int}.{task.attempt}",
        really,
        lambda model: model.owned(task.id, task.run_token) is not None,
    )


async def note_running(connection: Connection) -> None:
    known = {"runner_id": DEAD, "tokens": [TOKEN, STALE], "older_than_s": 5}
    await connection.execute(members.NOTE_RUNNING, known)


def noted(model: Model) -> None:
    if row := model.owned(A, TOKEN):
        row.executions[row.attempt] = "running"


async def promote(connection: Connection) -> int:
    return (await store.promote(connection)).tasks


async def prune(connection: Connection) -> int:
    return (await store.prune_tasks(connection, after=store.FIRST_ID, keep_s=-1))[1]


async def give_back(connection: Connection) -> int:
    return await store.give_back(connection, DEAD, [TOKEN])


STEP = {"name": "step", "seq": 0, "result": "{}", "position": 0, "fingerprint": ""}
ACTS = (
    finish(LOST, ends.Done({"n": 1})),
    finish(LOST, ends.Done({"n": 1}), hold=True),
    finish(LOST, ends.Retry("broken")),
    finish(LOST, ends.Retry("broken", after_s=0)),
    finish(LOST, ends.Release("stopping")),
    finish(OVERTAKEN, ends.Done({"n": 1})),
    finish(OVERTAKEN, ends.Done({"n": 1}), hold=True),
    finish(ON, ends.Fail("no")),
    claim(LEFT),
    claim(RIGHT),
    rescue(LEFT),
    rescue(RIGHT),
    cancel(A),
    cancel(B),
    cancel(C),
    cancel(D),
    retry(A),
    set_pending(A),
    set_pending(D),
    enqueue_same_key(),
    write("progress", journal.PROGRESS, LOST, progress="{}"),
    write("step", journal.SAVE_STEP, LOST, **STEP),
    write("progress", journal.PROGRESS, OVERTAKEN, progress="{}"),
    write("step", journal.SAVE_STEP, OVERTAKEN, **STEP),
    Act("note running", note_running, noted, skips=True),
    Act("promote", promote, lambda model: model.promote()[0], skips=True),
    Act("prune", prune, lambda model: model.prune(-1), skips=True),
    Act("give back", give_back, lambda m: m.give_back(m.runners[DEAD], [TOKEN])),
)
