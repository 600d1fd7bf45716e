"""Fires what is due. Every runner does it: tick, task and next due time in one transaction.

Schedules are locked while they are dealt with and skipped by others, and a tick has its due time in
its key: so each due time fires once, however many runners look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import DATABASE_AWAY, DATABASE_ERROR, Connection
from oppspot_runner.scheduler.planning import Due, Plan, disabled, plan

TAKE_CALLS = statement("schedules/take_calls")
DUE = statement("schedules/due")
TICK = statement("schedules/tick")
PRUNE = statement("schedules/prune")


@dataclass(frozen=True)
class Ticked:
    """What a look did: schedules dealt with, tasks started, and the plans of those that failed."""

    looked_at: int = 0
    started: int = 0
    failed: tuple[Plan, ...] = ()


async def tick(connection: Connection) -> Ticked:
    """Deals with up to 500 schedules that are due and that nobody else deals with.

    They are held until the end of the caller's transaction.
    """
    await connection.execute(TAKE_CALLS)
    rows = await (await connection.execute(DUE)).fetchall()
    due = [Due(**row) for row in rows]
    plans = await asyncio.to_thread(lambda: [plan(one) for one in due])
    started, failed = await _write(connection, due, plans)
    return Ticked(len(due), started, failed)


async def prune(connection: Connection, *, keep_s: float) -> int:
    """Deletes some ticks that are older than `keep_s` seconds; how many."""
    return (await connection.execute(PRUNE, {"keep_s": keep_s})).rowcount


async def _write(
    connection: Connection, due: Sequence[Due], plans: Sequence[Plan]
) -> tuple[int, tuple[Plan, ...]]:
    """Writes all plans at once; where that fails one by one, so that the culprit alone stops."""
    if not plans:
        return 0, ()
    failed = tuple(one for one in plans if one.error is not None)
    try:
        async with connection.transaction():
            return await _tick(connection, plans), failed
    except DATABASE_AWAY:
        raise  # it passes by itself, and says nothing about a schedule
    except DATABASE_ERROR as error:
        if len(plans) == 1:
            fault = disabled(due[0], str(error).strip().splitlines()[0])
            return await _tick(connection, [fault]), (fault,)
    started = 0
    for one, made in zip(due, plans, strict=True):
        more, faults = await _write(connection, [one], [made])
        started += more
        failed += tuple(fault for fault in faults if fault not in failed)
    return started, failed


async def _tick(connection: Connection, plans: Sequence[Plan]) -> int:
    ticks = [(one.id, due, one.starts) for one in plans for due in one.ticks]
    params = {
        "ids": [one.id for one in plans],
        "sinces": [one.since for one in plans],
        "dues": [one.due_at for one in plans],
        "looks": [one.look_at for one in plans],
        "errors": [one.error for one in plans],
        "tick_ids": [one for one, _, _ in ticks],
        "tick_dues": [due for _, due, _ in ticks],
        "tick_starts": [starts for _, _, starts in ticks],
    }
    row = await (await connection.execute(TICK, params)).fetchone()
    assert row is not None
    started: int = row["started"]
    return started
