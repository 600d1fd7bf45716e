"""The task table's state machine: finish, promote, rescue, prune; a statement each.

Knows no agent and no stream. All methods take an open connection, so that the caller decides what
belongs to one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow

from oppspot_runner.base.jsonsafe import MOST_TEXT, clean_text, dumps
from oppspot_runner.base.redact import redact
from oppspot_runner.base.task import Task
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection
from oppspot_runner.queue.abilities import Abilities
from oppspot_runner.queue.settlement import Settlement

PROMOTE = statement("queue/promote")
FINISH = statement("queue/finish")
BEGIN = statement("queue/begin")
GIVE_BACK = statement("queue/give_back")
HOLD = statement("queue/hold")
BLAME = statement("queue/blame")
CURRENT_TRANSACTION = statement("queue/current_transaction")
IS_DRAINED = statement("queue/is_drained")
IS_READY = statement("queue/is_ready")
KNOWN_ELSEWHERE = statement("queue/known_elsewhere")
FOLD_TALLIES = statement("queue/fold_tallies")
WAKE_WAITING = statement("queue/wake_waiting")
WAKE_PARENTS = statement("queue/wake_parents")
CANCEL_CHILDREN = statement("queue/cancel_children")
RESCUE = statement("queue/rescue")
PRUNE_TASKS = statement("queue/prune_tasks")
PRUNE_EXECUTIONS = statement("queue/prune_executions")
PRUNE_RUN_EVENTS = statement("run_events/prune")
PRUNE_ANSWERS = statement("access/prune_answers")
PRUNE_AUDIT = statement("access/prune_audit")

MOST_RESCUED = 100  # the LIMIT of queue/rescue
FIRST_ID = UUID(int=0)


@dataclass(frozen=True)
class Settled:
    """A task whose end was written: it was still ours. `mends`: its agent had made errors."""

    id: UUID
    run_id: UUID | None
    agent_id: UUID | None
    stream_id: UUID | None
    execution_id: UUID
    status: str
    parent_task_id: UUID | None
    mends: bool


@dataclass(frozen=True)
class Rescued:
    """A task of a dead runner and what became of it."""

    id: UUID
    status: str
    run_id: UUID | None
    agent_id: UUID | None
    runner_id: int


async def is_drained(connection: Connection, abilities: Abilities) -> bool:
    """Whether nothing that a runner is able to run is due or running, by anybody."""
    return bool((await _one(connection, IS_DRAINED, abilities.params()))["drained"])


async def is_known_elsewhere(connection: Connection, task: Task) -> bool:
    """Whether another live runner knows the agent type of `task`, and may take it."""
    params = {"task_type": task.task_type, "agent_id": task.agent and task.agent.id}
    row = await (await connection.execute(KNOWN_ELSEWHERE, params)).fetchone()
    return row is not None and bool(row["known"])


async def is_ready(connection: Connection) -> bool:
    """Whether any task is in line, of whatever type, also one that may not run."""
    return bool((await _one(connection, IS_READY))["ready"])


@dataclass(frozen=True)
class Promoted:
    """How many due rows got in line, and seconds until the next task and the next schedule are due.

    None: none waits.
    """

    tasks: int
    next_due_s: float | None
    next_tick_s: float | None


async def promote(connection: Connection) -> Promoted:
    """Puts due rows in line, and looks what is due next."""
    row = await _one(connection, PROMOTE)
    return Promoted(row["promoted"], row["next_due_s"], row["next_tick_s"])


async def hold(connection: Connection, task: Task, runner_id: int) -> str | None:
    """Locks the task's row for the rest of the transaction, whose id is returned.

    None when the task is no longer this attempt's, or no longer the runner's.
    """
    params = {"task_id": task.id, "run_token": task.run_token, "runner_id": runner_id}
    row = await (await connection.execute(HOLD, params)).fetchone()
    return row["transaction"] if row else None


async def is_over(connection: Connection, transaction: str) -> bool:
    """Whether the connection's transaction is another one than that, or none.

    One that failed or whose connection broke is not: it can only be rolled back.
    """
    match connection.info.transaction_status:
        case TransactionStatus.IDLE:
            return True
        case TransactionStatus.INTRANS:
            row = await _one(connection, CURRENT_TRANSACTION)
            return bool(row["transaction"] != transaction)
        case _:
            return False


async def begin(connection: Connection, task: Task) -> bool:
    """Notes that a task which runs alone begins; False when it is no longer ours."""
    params = {"task_id": task.id, "run_token": task.run_token}
    return (await connection.execute(BEGIN, params)).rowcount == 1


async def blame(connection: Connection, task: Task, error: str) -> None:
    """Notes what a task of ours did to its runner, on the task and on its attempt."""
    text = clean_text(redact(error), most=MOST_TEXT)
    params = {"task_id": task.id, "run_token": task.run_token, "error": text}
    await connection.execute(BLAME, params)


async def give_back(connection: Connection, runner_id: int, tokens: Sequence[int]) -> int:
    """Puts tasks back that are ours by the table and that nobody here runs; how many.

    Not those whose bodies run elsewhere: they are left to any runner that has their backend.
    """
    params = {"runner_id": runner_id, "tokens": list(tokens)}
    return (await connection.execute(GIVE_BACK, params)).rowcount


async def finish(
    connection: Connection, runner_id: int, settlements: Sequence[Settlement]
) -> list[Settled]:
    """Writes the ends of attempts; returns those that were still ours.

    Must run inside a transaction together with what follows from these ends, if anything does.
    """
    ordered = sorted(settlements, key=lambda one: one.task.id.int)  # the order of the column
    columns = {**_task_columns(ordered), **_execution_columns(ordered), "runner_id": runner_id}
    rows = await (await connection.execute(FINISH, columns)).fetchall()
    return [Settled(**row) for row in rows]


def _task_columns(ordered: Sequence[Settlement]) -> dict[str, Any]:
    return {
        "ids": [one.task.id for one in ordered],
        "tokens": [one.task.run_token for one in ordered],
        "statuses": [one.status for one in ordered],
        "delays": [one.delay_s for one in ordered],
        "untils": [one.until for one in ordered],
        "retries": [one.retries for one in ordered],
        "errors": [one.error for one in ordered],
    }


def _execution_columns(ordered: Sequence[Settlement]) -> dict[str, Any]:
    return {
        "execution_statuses": [one.execution_status for one in ordered],
        "goals": [_json(one.goal_context) for one in ordered],
        "outputs": [one.output for one in ordered],
        "summaries": [_json(one.summary) for one in ordered],
        "metrics": [_json(one.metrics) for one in ordered],
        "durations": [min(one.run_ms, 2**31 - 1) for one in ordered],
    }


async def fold_tallies(connection: Connection) -> None:
    """Makes few rows of many in task_tallies."""
    await connection.execute(FOLD_TALLIES)


async def wake_waiting(connection: Connection) -> int:
    """Puts tasks in line whose wait is over though nobody told them; how many, a bounded number."""
    return int((await _one(connection, WAKE_WAITING))["woken"])


async def wake_parents(connection: Connection, parents: Sequence[UUID]) -> int:
    """Puts tasks in line whose children have all ended; to be asked after that was committed."""
    return int((await _one(connection, WAKE_PARENTS, {"parents": list(parents)}))["woken"])


async def cancel_children(connection: Connection, parents: Sequence[UUID]) -> None:
    """Cancels the open children of tasks that were cancelled or failed."""
    if parents:
        await connection.execute(CANCEL_CHILDREN, {"parents": list(parents)})


async def rescue(connection: Connection, runner_id: int) -> tuple[list[Rescued], float | None]:
    """Puts back tasks of dead runners, at most 100; must run inside a transaction.

    Also returns in how many seconds a runner that looks dead may be judged, None when all look
    alive.
    """
    rows = await (await connection.execute(RESCUE, {"runner_id": runner_id})).fetchall()
    next_s: float | None = rows[0]["next_s"] if rows else None
    return [_rescued(row) for row in rows if row["id"] is not None], next_s


async def prune_tasks(
    connection: Connection, *, after: UUID, keep_s: float
) -> tuple[UUID | None, int]:
    """Deletes ended tasks older than `keep_s` among the next 5,000 rows.

    Returns where to go on (None: the end was reached) and how many rows went.
    """
    row = await _one(connection, PRUNE_TASKS, {"after": after, "keep_s": keep_s})
    return row["last_id"], row["deleted"]


async def prune_executions(connection: Connection, *, keep_s: float) -> int:
    """Deletes at most 5,000 attempts older than `keep_s`; how many went."""
    return (await connection.execute(PRUNE_EXECUTIONS, {"keep_s": keep_s})).rowcount


async def prune_run_events(connection: Connection, *, keep_s: float) -> int:
    """Deletes at most 5,000 events of runs older than `keep_s`; how many went."""
    return (await connection.execute(PRUNE_RUN_EVENTS, {"keep_s": keep_s})).rowcount


async def prune_answers(connection: Connection) -> int:
    """Deletes at most 1,000 answers to requests with a key, a day old; how many went."""
    return (await connection.execute(PRUNE_ANSWERS)).rowcount


async def prune_audit(connection: Connection, *, keep_s: float) -> int:
    """Deletes at most 1,000 records of changes that are older; how many went."""
    return (await connection.execute(PRUNE_AUDIT, {"keep_s": keep_s})).rowcount


def _rescued(row: DictRow) -> Rescued:
    return Rescued(row["id"], row["status"], row["run_id"], row["agent_id"], row["runner_id"])


def _json(value: Any) -> str | None:
    return None if value is None else dumps(value)


async def _one(
    connection: Connection, query: LiteralString, params: dict[str, Any] | None = None
) -> DictRow:
    row = await (await connection.execute(query, params)).fetchone()
    assert row is not None
    return row
