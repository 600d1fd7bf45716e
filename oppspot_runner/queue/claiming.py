"""How one runner claims: in line where nothing is limited, by lanes and limits where something is.

Keeps what a claim needs from the one before: whether the road is open, and the floors below which
no ready row is expected.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql
from psycopg.rows import DictRow

from oppspot_runner.base.task import HEALTH_CHECK, Task
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection
from oppspot_runner.queue.abilities import ORDINARY, Abilities
from oppspot_runner.queue.rows import task_from_row

CLAIM = statement("queue/claim")
CLAIM_LIMITED = statement("queue/claim_limited")
HOLD_LIMITS = statement("queue/hold_limits")
ARRANGE_KEYS = statement("queue/arrange_keys")
REARRANGE_KEYS = statement("queue/rearrange_keys")
AGE = statement("queue/age")

MOST_AT_ONCE = 500
EXACT_UP_TO = 10  # above it claims come in tens: each size is a prepared statement of its own
FULL_EVERY_S = 5.0  # a row that was committed late, or given back, may lie below a floor that long
TOP_PRIORITY = 10
NO_FLOORS = [-(2**63)] * TOP_PRIORITY


@dataclass(frozen=True)
class Claimed:
    """What a claim brought. `again_s`: limited work that waits may start in that many seconds."""

    tasks: list[Task]
    again_s: float | None = None


def claim_size(free_slots: int) -> int:
    """How many rows to ask for at once with that many free slots."""
    if free_slots <= EXACT_UP_TO:
        return free_slots
    return min(free_slots - free_slots % 10, MOST_AT_ONCE)


def own_health_check(runner_id: int) -> str:
    """The task_type that only this runner takes (see queue/claim)."""
    return f"{HEALTH_CHECK}:{runner_id}"


class Claimer:
    """Claims for one runner id what it is able to run. `fair` shares between organisations;
    `beside_slots` takes deliveries of notifications, which all others leave."""

    def __init__(
        self,
        runner_id: int,
        abilities: Abilities = ORDINARY,
        *,
        fair: bool = False,
        beside_slots: bool = False,
    ) -> None:
        self.params = {
            **abilities.params(),
            "runner_id": runner_id,
            "fair": fair,
            "beside_slots": beside_slots,
        }
        self.chooses = fair or beside_slots or bool(abilities.task_types)
        if abilities.task_types:
            self.params["task_types"] = [*abilities.task_types, own_health_check(runner_id)]
        self._wary = False
        self._limited = self.chooses
        self._floors = list(NO_FLOORS)  # of the priorities 10, 9, ... 1
        self._full_at = float("-inf")
        self._was_short = False

    def beware(self) -> None:
        """Leaves agent types that the runner does not know to those who do: it has met one."""
        self._wary = self._limited = True

    async def claim(self, connection: Connection, limit: int) -> Claimed:
        """Takes up to `limit` due tasks, the most urgent first."""
        if not self._limited:
            road_open, tasks = await self._claim_in_line(connection, limit)
            if road_open:
                return Claimed(tasks)
        return await self._claim_limited(connection, limit)

    async def claim_beside(self, connection: Connection, task: Task, limit: int) -> list[Task]:
        """Takes up to `limit` due tasks of the lane of `task`, which is ours already.

        None that runs alone.
        """
        return (await self._claim_limited(connection, limit, beside=task.id)).tasks

    async def _claim_in_line(self, connection: Connection, limit: int) -> tuple[bool, list[Task]]:
        now = time.monotonic()
        full = self._was_short or now - self._full_at > FULL_EVERY_S
        floors = NO_FLOORS if full else self._floors
        query = sql.SQL(CLAIM).format(limit=sql.Literal(limit))
        rows = await _rows(connection, query, {**self.params, "floors": floors})
        road_open, rows = rows[0]["road_open"], _claimed(rows)
        self._was_short = len(rows) < limit and not full
        if full:
            self._full_at = now
        for row in rows:
            place = TOP_PRIORITY - row["priority"]
            self._floors[place] = max(self._floors[place], row["ready_seq"])
        return road_open, [task_from_row(row) for row in rows]

    async def _claim_limited(
        self, connection: Connection, limit: int, *, beside: UUID | None = None
    ) -> Claimed:
        query = sql.SQL(CLAIM_LIMITED).format(limit=sql.Literal(limit))
        params = {**self.params, "beside": beside, "wary": self._wary}
        async with connection.pipeline(), connection.transaction():
            await connection.execute(HOLD_LIMITS)
            cursor = await connection.execute(query, params, prepare=True, binary=True)
        rows = await cursor.fetchall()
        told = rows[0]
        self._wary = told["others_know_more"]
        self._limited = self.chooses or self._wary or not told["road_open"]
        again_s = told["again_s"]
        if told["full_keys"]:
            await arrange_keys(connection, told["full_keys"])
            again_s = 0.0
        return Claimed([task_from_row(row) for row in _claimed(rows)], again_s)


async def arrange_keys(connection: Connection, keys: Sequence[str]) -> tuple[int, list[str]]:
    """Takes tasks of full keys out of line, and lets tasks of others in.

    Returns how many moved, and the keys that somebody else was arranging: ask for them again.
    """
    (row,) = await _rows(connection, ARRANGE_KEYS, {"keys": list(keys)})
    return row["moved"], row["busy"]


async def rearrange_keys(connection: Connection, after: str) -> tuple[int, list[str]]:
    """Lets in what waits for no reason among the next 100 keys after `after`.

    Returns how many moved, and the keys: the last one is where to go on, none is the end.
    """
    (row,) = await _rows(connection, REARRANGE_KEYS, {"after": after})
    return row["moved"], row["keys"]


async def age(connection: Connection, ageing_s: float, blocked_keys: Sequence[str]) -> int:
    """Raises tasks that waited `ageing_s` by one priority, a bounded number; how many rose.

    Those that are out of line are looked at for some keys only.
    """
    params = {"ageing_s": ageing_s, "keys": list(blocked_keys)}
    (row,) = await _rows(connection, AGE, params)
    return int(row["raised"])


async def _rows(
    connection: Connection, query: LiteralString | sql.Composed, params: dict[str, Any]
) -> list[DictRow]:
    # Prepared at once: there is a statement for each size of a claim, on each connection.
    cursor = await connection.execute(query, params, prepare=True, binary=True)
    return await cursor.fetchall()


def _claimed(rows: list[DictRow]) -> list[DictRow]:
    """The rows of tasks: when there are none, one row tells the rest alone."""
    return rows if rows[0]["id"] is not None else []
