"""Which tasks a filter finds, page by page, and how many there are of which kind."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.api.reads import tasks as reads
from oppspot_runner.api.reads.tasks import TaskFilter
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.actor import LOCAL
from oppspot_runner.db.acting import acting
from oppspot_runner.db.pool import Database

ENDED = """
    UPDATE agent_tasks
    SET status = %(status)s, finished_at = oppspot_now(), error_message = %(error)s
    WHERE id = ANY (%(ids)s)
"""


async def found(db: Database, wanted: TaskFilter, limit: int = 50) -> list[UUID]:
    """Ids of all tasks that a filter finds, over all pages."""
    ids: list[UUID] = []
    before = None
    async with acting(db, LOCAL, read_only=True) as database:
        while True:
            page = await reads.browse(database, wanted, limit=limit, before=before)
            ids += [UUID(row["id"]) for row in page.rows]
            before = page.next
            if before is None:
                return ids


async def test_filters_find_what_they_name_and_facets_count_it(db: Database) -> None:
    client = AsyncClient(db)
    hound = await client.create_agent(name="Hound", agent_type="scout_agent")
    clerk = await client.create_agent(name="Clerk", agent_type="writer_agent")
    stream = await client.create_stream("Prospects")
    first = await client.enqueue(hound, {"company": "Acme Ltd", "password": "hunter2"})
    second = await client.enqueue(hound, {"company": "Umbrella"}, requested_by="Ann")
    third = await client.enqueue(clerk, stream_id=stream, task_type="slow", limit_key="k")
    fourth = await client.enqueue(clerk)
    await db.execute(ENDED, {"ids": [first, second], "status": "failed", "error": "Timed OUT"})
    cases: dict[str, tuple[TaskFilter, list[UUID]]] = {
        "all, the newest first": (TaskFilter(), [fourth, third, second, first]),
        "a status": (TaskFilter(statuses=("failed",)), [second, first]),
        "two": (TaskFilter(statuses=("failed", "pending")), [fourth, third, second, first]),
        "an agent": (TaskFilter(agent_id=clerk), [fourth, third]),
        "a type of agents": (TaskFilter(agent_type="scout_agent"), [second, first]),
        "both, which differ": (TaskFilter(agent_id=clerk, agent_type="scout_agent"), []),
        "a stream": (TaskFilter(stream_id=stream), [third]),
        "a lane": (TaskFilter(task_type="slow", limit_key="k"), [third]),
        "who asked": (TaskFilter(requested_by="Ann"), [second]),
        "the name of an agent": (TaskFilter(text="LER"), [fourth, third]),
        "an error": (TaskFilter(text="timed out"), [second, first]),
        "a payload": (TaskFilter(text="umbrella"), [second]),
        "what a secret stands beside": (TaskFilter(text="acme"), []),
        "an id": (TaskFilter(text=str(third)), [third]),
        "a part of an id in the middle": (TaskFilter(text=str(third)[9:]), []),
    }
    for what, (wanted, ids) in cases.items():
        assert await found(db, wanted) == ids, what
        assert await found(db, wanted, limit=1) == ids, what
    async with acting(db, LOCAL, read_only=True) as database:
        facets = await reads.facets(database, TaskFilter(statuses=("failed",)))
    assert (facets.looked_at, facets.complete) == (4, True)
    counts = {kind: {one.name: one.tasks for one in of} for kind, of in facets.values.items()}
    assert counts["status"] == {"failed": 2, "pending": 2}
    assert counts["agent"] == {"Hound": 2}


async def test_a_search_goes_on_where_its_look_ended(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "MOST_LOOKED_AT", 3)
    client = AsyncClient(db)
    agent = await client.create_agent(agent_type="scout_agent")
    ids = list(await client.enqueue_many(agent, [{} for _ in range(10)]))
    wanted: dict[str, Any] = {"ids": [ids[0], ids[4], ids[7]], "status": "cancelled", "error": "x"}
    await db.execute(ENDED, wanted)
    newest_first = sorted(wanted["ids"], reverse=True)
    assert await found(db, TaskFilter(statuses=("cancelled",))) == newest_first
    async with acting(db, LOCAL, read_only=True) as database:
        page = await reads.browse(database, TaskFilter(task_type="none"), limit=5)
        assert (page.rows, page.next) == ([], sorted(ids)[-3])
        facets = await reads.facets(database, TaskFilter())
    assert (facets.looked_at, facets.complete) == (3, False)
