"""Whoever puts tasks in by HTTP finds them in his own trace."""

from __future__ import annotations

import httpx2

from oppspot_runner.base import tracing
from oppspot_runner.db.pool import Database
from tests.observe.test_traces import ABOVE, Kept, id_of, kept, parent_of

__all__ = ["kept"]


async def test_a_task_that_is_put_in_belongs_to_the_trace_of_the_request(
    api: httpx2.AsyncClient, db: Database, kept: Kept
) -> None:
    await db.execute("INSERT INTO ai_agents (name, agent_type) VALUES ('Digest', 'digest')")
    for traceparent in (ABOVE, "nonsense"):
        headers = {"traceparent": traceparent}
        answer = await api.post("/api/v1/tasks", json={"agent": "Digest"}, headers=headers)
        assert answer.status_code == 201, answer.text
    joined, alone = kept.named("send agent_execution")
    assert f"{parent_of(joined):016x}" == ABOVE.split("-")[2]
    assert parent_of(alone) is None
    rows = await db.fetch_all("SELECT traceparent FROM agent_tasks ORDER BY created_at, ready_seq")
    assert tracing.trace_id(rows[0]["traceparent"]) == tracing.trace_id(ABOVE)
    assert rows[0]["traceparent"].split("-")[2] == f"{id_of(joined):016x}"
