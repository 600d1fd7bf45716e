"""Two people who change agents and their parts in streams by SQL, in opposite order."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest

from oppspot_runner.db.pool import Connection, Database
from tests.stepping import Step, Stepper, interleave, session

AGENTS = """
    INSERT INTO ai_agents (name, agent_type, schedule_cron)
    SELECT n, 'noop', '@daily' FROM generate_series(1, 2) n RETURNING id
"""
ASSIGN = """
    WITH s AS (INSERT INTO streams (name) VALUES ('s') RETURNING id)
    INSERT INTO stream_agent_assignments (stream_id, agent_id, execution_frequency)
    SELECT s.id, a, 'hourly' FROM s, unnest(%s::uuid[]) a
"""
EDIT_AGENT = "UPDATE ai_agents SET schedule_cron = '@hourly' WHERE id = %s"
EDIT_PART = "UPDATE stream_agent_assignments SET execution_frequency = 'weekly' WHERE agent_id = %s"


@pytest.fixture
async def agents(db: Database) -> list[UUID]:
    made = [row["id"] for row in await db.fetch_all(AGENTS)]
    await db.execute(ASSIGN, (made,))
    return made


LEFT = """
    SELECT agent_id, assignment_id, expression FROM schedules EXCEPT
    SELECT agent_id, assignment_id, expression FROM schedule_sources
"""


async def test_edits_that_wait_for_each_other_lose_one_which_can_be_repeated(
    db: Database, agents: list[UUID]
) -> None:
    """A part in a stream holds its agent, whose zone and options count for it."""
    first, second = agents
    async with session(db) as one, session(db) as other:
        edits = [(one, first, second), (other, second, first)]
        for connection, agent, _ in edits:
            await connection.execute("BEGIN")
            await connection.execute(EDIT_AGENT, (agent,))
        async with asyncio.timeout(20):
            came = await asyncio.gather(
                *(connection.execute(EDIT_PART, (part,)) for connection, _, part in edits),
                return_exceptions=True,
            )
        lost = [isinstance(answer, psycopg.errors.DeadlockDetected) for answer in came]
        assert sorted(lost) == [False, True]
        for connection, _, _ in edits:
            await connection.execute("COMMIT")  # of the lost one nothing was written
        (loser,) = (edit for edit, is_lost in zip(edits, lost, strict=True) if is_lost)
        await loser[0].execute(EDIT_AGENT, (loser[1],))
        await loser[0].execute(EDIT_PART, (loser[2],))
    assert await db.fetch_all(LEFT) == []
    rows = await db.fetch_all(
        "SELECT expression, count(*) AS n FROM schedules GROUP BY 1 ORDER BY 1"
    )
    assert rows == [{"expression": "@hourly", "n": 2}, {"expression": "weekly", "n": 2}]


async def test_edits_in_the_order_of_the_agents_wait_for_each_other_and_both_count(
    db: Database, agents: list[UUID]
) -> None:
    def edit(query: Any, agent: UUID) -> Step:
        async def step(connection: Connection) -> None:
            await connection.execute(query, (agent,))

        return step

    async with session(db) as one, session(db) as other:
        steppers = {
            "a": Stepper(one, *(edit(EDIT_AGENT, agent) for agent in sorted(agents))),
            "b": Stepper(other, *(edit(EDIT_PART, agent) for agent in sorted(agents))),
        }
        async with asyncio.timeout(20):
            await interleave(db, steppers, "abababab")
    assert await db.fetch_all(LEFT) == []
