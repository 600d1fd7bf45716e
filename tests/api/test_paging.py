"""Pages of lists: whatever comes meanwhile, what was there at the start is seen once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oppspot_runner.api.reads import dead_letters, executions, tasks
from oppspot_runner.db.pool import Database
from oppspot_runner.queue.dead_letters import Filter
from oppspot_runner.queue.dead_letters import groups as groups_of

V1 = "/api/v1"
# Ids of our making begin with the time, those of others with anything.
ID = "CASE WHEN random() < 0.5 THEN oppspot_uuid() ELSE gen_random_uuid() END"
SOME = "FROM generate_series(1, %(n)s)"
FAILED = f"SELECT {ID}, 'failed', oppspot_now(), 'it broke' {SOME} RETURNING id"
# How a row of a list is made, and where the list is.
LISTS: dict[str, str] = {
    "tasks": f"INSERT INTO agent_tasks (id, status, finished_at, error_message) {FAILED}",
    "dead-letters/{group}": "INSERT INTO agent_tasks (id, status, finished_at, error_message)"
    f" {FAILED}",
    "executions": f"INSERT INTO agent_executions (id, status) SELECT {ID}, 'failed' {SOME}"
    " RETURNING id",
    "runs": "INSERT INTO stream_runs (id, status, open_nodes, finished_at)"
    f" SELECT {ID}, 'failed', 0, oppspot_now() {SOME} RETURNING id",
    "schedules": "WITH a AS (INSERT INTO ai_agents (name, agent_type, schedule_cron)"
    f" SELECT 'a', 'a', '@daily' {SOME} RETURNING id)"
    " SELECT id FROM a",
    "pauses": f"INSERT INTO task_pauses (scope, key) SELECT 'type', {ID} {SOME}"
    " RETURNING key AS id",
}
CLEAR = "TRUNCATE agent_tasks, agent_executions, stream_runs, task_pauses, ai_agents CASCADE"
# Rows at the start, and how many come after each page.
ROWS = st.integers(0, 6)
COMING = st.lists(st.integers(0, 2), max_size=6)
few = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


async def add(db: Database, query: str, number: int) -> set[str]:
    return {str(row["id"]) for row in await db.fetch_all(query, {"n": number})}  # type: ignore[arg-type]


def named(row: dict[str, Any], place: str) -> str:
    names = {"schedules": "agent_id", "pauses": "key"}
    return str(row[names.get(place, "id")])


async def pages(
    api: httpx2.AsyncClient, db: Database, place: str, limit: int, coming: Sequence[int]
) -> list[str]:
    """What all pages of a list have, while rows come after each of them."""
    (group,) = [one["fingerprint"] for one in await groups_of(db, Filter())] or ["0"]
    seen, cursor, left = [], "", list(coming)
    while cursor is not None:
        asked = {"limit": limit, "cursor": cursor}
        answer = await api.get(f"{V1}/{place.format(group=group)}", params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        seen += [named(row, place) for row in page["items"]]
        cursor = page["next_cursor"]
        if left:
            await add(db, LISTS[place], left.pop())
    return seen


@pytest.mark.slow
@few
@given(rows=ROWS, coming=COMING, limit=st.integers(1, 4), look=st.integers(1, 5))
async def test_what_was_there_at_the_start_is_seen_once(
    api: httpx2.AsyncClient, db: Database, rows: int, coming: list[int], limit: int, look: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (tasks, executions, dead_letters):
            patch.setattr(module, "MOST_LOOKED_AT", look)
        for place, query in LISTS.items():
            await db.execute(CLEAR)
            there = await add(db, query, rows)
            seen = await pages(api, db, place, limit, coming)
            assert there <= set(seen), place
            assert len(seen) == len(set(seen)), place
