"""What an organisation is told of its tasks and agents reads its own, and not those of others."""

from __future__ import annotations

import pytest
from psycopg import sql

from oppspot_runner.api.reads.agents import list_agents
from oppspot_runner.api.reads.looks import performance
from oppspot_runner.app.status import Fleet, read_share
from oppspot_runner.db.acting import acting
from oppspot_runner.db.pool import Database
from oppspot_runner.queue.read import OWN_STATS
from tests.plans.test_browsing import MANY, RARE, TASKS, crowd, member, rows_read

pytestmark = pytest.mark.slow

__all__ = ["crowd"]

OWN = TASKS // 150 - 1  # one in a hundred of two thirds
FLEET = Fleet([], "running", 3, 5.0, 5.0, 3.0)


@pytest.mark.parametrize("look", ["status", "agents"])
async def test_what_it_is_told_reads_its_own_tasks(crowd: str, look: str) -> None:
    async with (
        Database(crowd) as whole,
        acting(whole, member("rare", RARE), read_only=True) as database,
    ):
        if look == "status":
            share = await read_share(database, FLEET)
            assert (share.stats["total"], len(share.recent)) == (OWN, 10)
        else:
            await list_agents(database, limit=51)
            assert sum(row["tasks"] for row in (await performance(database)).values()) == OWN
        read = [await rows_read(database, one) for one in ("agent_tasks", "agent_executions")]
        assert max(read) <= 20 * OWN, read


async def test_many_tasks_are_counted_from_an_index_that_is_small(crowd: str) -> None:
    explained = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + sql.SQL(OWN_STATS)
    async with (
        Database(crowd) as whole,
        acting(whole, member("many", MANY), read_only=True) as database,
    ):
        assert (await read_share(database, FLEET)).stats["total"] == TASKS - OWN
        (row,) = await database.fetch_all(explained)
    (told,) = row["QUERY PLAN"]
    pages = told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"]
    assert pages < TASKS / 300, told
