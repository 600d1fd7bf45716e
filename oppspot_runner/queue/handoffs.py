"""Bodies that run outside of every runner: a row for each, from before it is submitted until its
attempt has ended.

The runner that waits puts, reads, drops and leaves; the worker that runs takes, beats and ends.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from oppspot_runner.base.jsonsafe import dumps
from oppspot_runner.base.task import Task
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.queue.rows import task_from_row

T = TypeVar("T")

PUT = statement("handoffs/put")
TAKE = statement("handoffs/take")
TASKS = statement("handoffs/tasks")
BEAT = statement("handoffs/beat")
END = statement("handoffs/end")
READ = statement("handoffs/read")
DROP = statement("handoffs/drop")
LEAVE = statement("handoffs/leave")
ADOPT = statement("handoffs/adopt")
SWEEP = statement("handoffs/sweep")
PRUNE = statement("handoffs/prune")


@dataclass(frozen=True)
class Taken:
    """What a worker is to run: a task, or those of a batch, its ticket, and who waits.

    Tasks of a batch may have ended before a worker came. `places` says which of the batch's `size`
    tasks these are: whoever waits knows them by their places.
    """

    tasks: list[Task]
    ticket: dict[str, Any]
    runner_id: int | None
    places: list[int]
    size: int

    def in_places(self, values: Sequence[T], missing: T) -> list[T]:
        """Of `values`, one for each of the tasks, a list for the whole batch."""
        found = dict(zip(self.places, values, strict=True))
        return [found.get(place, missing) for place in range(self.size)]


@dataclass(frozen=True)
class Progress:
    """How far a body is. `silent_s`: since its worker said last that it works on it."""

    handle: UUID
    ticket: dict[str, Any]
    started: bool
    ended: bool
    result: dict[str, Any] | None
    worker: str | None
    silent_s: float | None


@dataclass(frozen=True)
class Adopted:
    """An attempt that began `ran_s` seconds ago with another runner, and whose body goes on."""

    task: Task
    handle: UUID
    backend: str
    ran_s: float


async def put(
    database: Database,
    handle: UUID,
    tasks: Sequence[Task],
    *,
    backend: str,
    runner_id: int,
    ticket: dict[str, Any],
) -> bool:
    """Writes that a body is about to be submitted; False when its task is not the runner's."""
    first, *others = tasks
    row = await database.fetch_one(
        PUT,
        {
            "handle": handle,
            "task_id": first.id,
            "run_token": first.run_token,
            "companions": [one.id for one in others],
            "companion_tokens": [one.run_token for one in others],
            "backend": backend,
            "runner_id": runner_id,
            "ticket": dumps(ticket),
        },
    )
    return row is not None


async def take(database: Database, handle: UUID, worker: str) -> Taken | None:
    """Begins to run it as `worker`; None when somebody else did, or nobody wants it any more."""
    async with database.transaction() as connection:
        row = await _one(connection, TAKE, {"handle": handle, "worker": worker})
        if row is None:
            return None
        found = await _tasks(connection, row["task_ids"], row["tokens"])
        ids = row["task_ids"]
        places = [place for place, one in enumerate(ids) if one in found]
        tasks = [task_from_row(found[ids[place]]) for place in places]
        return Taken(tasks, row["ticket"], row["runner_id"], places, len(ids))


async def beat(database: Database, handle: UUID) -> bool:
    """Says that the worker works on it; False when it has to end, because nobody wants it."""
    return await database.fetch_one(BEAT, {"handle": handle}) is not None


async def end(database: Database, handle: UUID, result: dict[str, Any]) -> bool:
    """Writes how it ended, and tells whoever waits; False when nobody does any more."""
    row = await database.fetch_one(END, {"handle": handle, "result": dumps(result)})
    return row is not None


async def read(database: Database, handles: Collection[UUID]) -> list[Progress]:
    """How far bodies are; one that was dropped is not among them."""
    rows = await database.fetch_all(READ, {"handles": list(handles)})
    return [Progress(**row) for row in rows]


async def drop(database: Database, handle: UUID, runner_id: int) -> bool:
    """Takes it back, so that no worker begins it; False when it is not the runner's any more."""
    row = await database.fetch_one(DROP, {"handle": handle, "runner_id": runner_id})
    return row is not None


async def leave(connection: Connection, runner_id: int) -> frozenset[int]:
    """Leaves the runner's bodies to whoever adopts them; the tokens of their attempts."""
    rows = await (await connection.execute(LEAVE, {"runner_id": runner_id})).fetchall()
    return frozenset(row["run_token"] for row in rows)


async def adopt(connection: Connection, runner_id: int, backends: Collection[str]) -> list[Adopted]:
    """Makes attempts the runner's own that no living runner has and whose bodies are with one of
    `backends`, at most 100; must run inside a transaction, after `store.rescue`."""
    params = {"runner_id": runner_id, "backends": list(backends)}
    rows = await (await connection.execute(ADOPT, params)).fetchall()
    found = await _tasks(
        connection, [row["task_id"] for row in rows], [row["run_token"] for row in rows]
    )
    return [
        Adopted(task_from_row(task), row["handle"], row["backend"], task["ran_s"])
        for row in rows
        for task in (found[row["task_id"]],)
    ]


async def sweep(connection: Connection) -> int:
    """Deletes those whose attempt is over, of the ended ones and those of dead runners; how many
    went."""
    return (await connection.execute(SWEEP)).rowcount


async def prune(connection: Connection) -> int:
    """Deletes all whose attempt is over, with a look at each body; how many went."""
    return (await connection.execute(PRUNE)).rowcount


async def _tasks(
    connection: Connection, task_ids: Sequence[UUID], tokens: Sequence[int]
) -> dict[UUID, dict[str, Any]]:
    if not task_ids:
        return {}
    params = {"task_ids": list(task_ids), "tokens": list(tokens)}
    rows = await (await connection.execute(TASKS, params)).fetchall()
    return {row["id"]: row for row in rows}


async def _one(connection: Connection, query: Any, params: dict[str, Any]) -> Any:
    return await (await connection.execute(query, params)).fetchone()
