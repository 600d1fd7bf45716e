"""The order of the line does not hang on how the server chose to run a statement."""

from __future__ import annotations

import pytest

from oppspot_runner.db.pool import Database
from oppspot_runner.queue import store

LATEST_FIRST = """
    INSERT INTO agent_tasks (scheduled_for)
    SELECT oppspot_now() - make_interval(secs => n) FROM generate_series(1, %s) n
"""


@pytest.mark.parametrize("rows", [2, 20, 200, 499])
async def test_who_is_due_first_gets_in_line_first(db: Database, rows: int) -> None:
    await db.execute(LATEST_FIRST, (rows,))
    await db.execute("UPDATE agent_tasks SET parked = true")
    await db.execute("ANALYZE agent_tasks")
    async with db.transaction() as connection:
        assert (await store.promote(connection))[0] == rows
    line = await db.fetch_all("SELECT scheduled_for FROM agent_tasks ORDER BY ready_seq")
    assert line == sorted(line, key=lambda row: row["scheduled_for"])
