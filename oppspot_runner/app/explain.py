"""Why a task is not running, or what became of it: the facts of the database, read and judged.

The rules are in `reasons` and `node_reasons`; here is what they are asked about. Changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.app.holds import Reason
from oppspot_runner.app.node_reasons import of_node
from oppspot_runner.app.reasons import Facts, of_task
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.base.payload import read_json
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.breakers import open_breakers
from oppspot_runner.queue import read

TASK = statement("explain/task")
PAUSES = statement("explain/pauses")
LIMITS = statement("explain/limits")
AHEAD = statement("explain/ahead")
SHARES = statement("explain/shares")
NODE = statement("explain/node")
ABOVE = statement("explain/above")

MOST_AHEAD = 1_000  # of more it does not matter how many


@dataclass(frozen=True)
class Explanation:
    """What holds a task, the most important reason first.

    `task_id` is None for an agent of a run that has no task yet; `status` is then the node's.
    """

    task_id: UUID | None
    run_id: UUID | None
    agent: str | None
    status: str
    reasons: list[Reason]


async def explain_task(database: Database, task_id: UUID, *, fair: bool = False) -> Explanation:
    """Why a task is where it is. `fair`: runners share between organisations.

    Raises NotFoundError.
    """
    task = await database.fetch_one(TASK, {"task_id": task_id})
    if task is None:
        raise NotFoundError(
            f"there is no task {task_id}",
            hint="Completed and cancelled tasks are deleted after their retention.",
        )
    facts = Facts(
        task={**task, "progress": read_json(task["progress"])},
        pauses=await database.fetch_all(PAUSES, {"task_id": task_id}),
        limits=await database.fetch_all(LIMITS, {"task_id": task_id}),
        breakers=await _breakers(database, task),
        runners=await read.runners(database),
        ahead=await _ahead(database, task),
        most_ahead=MOST_AHEAD,
        shares=await database.fetch_all(SHARES, {"task_id": task_id}) if fair else (),
    )
    return Explanation(task_id, task["run_id"], task["agent_name"], task["status"], of_task(facts))


async def explain_node(
    database: Database, run_id: UUID, agent_id: UUID, *, fair: bool = False
) -> Explanation:
    """Why an agent of a run has not started; that of its task, once there is one.

    Raises NotFoundError when the agent is not in the run.
    """
    asked = {"run_id": run_id, "agent_id": agent_id}
    node = await database.fetch_one(NODE, asked)
    if node is None:
        raise NotFoundError(
            f"the agent {agent_id} is not in run {run_id}",
            hint=f"See `oppspot-runner runs show {run_id}`.",
        )
    if node["status"] == "queued":
        return await explain_task(database, node["task_id"], fair=fair)
    above = [_readable(row) for row in await database.fetch_all(ABOVE, asked)]
    return Explanation(
        node["task_id"], run_id, node["agent_name"], node["status"], of_node(node, above)
    )


async def run_of_task(database: Database, task_id: UUID) -> UUID:
    """The run that a task belongs to. Raises NotFoundError."""
    task = await database.fetch_one(TASK, {"task_id": task_id})
    if task is None or task["run_id"] is None:
        raise NotFoundError(
            f"task {task_id} belongs to no run",
            hint="A run is opened when a task with a stream begins, or by `streams run`.",
        )
    run_id: UUID = task["run_id"]
    return run_id


async def _breakers(database: Database, task: DictRow) -> list[DictRow]:
    return await open_breakers(database, task["agent_id"]) if task["agent_id"] else []


async def _ahead(database: Database, task: DictRow) -> int:
    if task["status"] != "pending" or task["parked"]:
        return 0
    row = await database.fetch_one(AHEAD, {"task_id": task["id"], "most": MOST_AHEAD})
    assert row is not None
    ahead: int = row["ahead"]
    return ahead


def _readable(row: DictRow) -> dict[str, Any]:
    return {**row, "progress": read_json(row["progress"])}
