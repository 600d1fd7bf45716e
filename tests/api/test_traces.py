"""Whoever puts tasks in by HTTP finds them in his own trace."""

from __future__ import annotations

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from oppspot_runner.api.application import build_application
from oppspot_runner.api.state import ApiState
from oppspot_runner.base import tracing
from oppspot_runner.db.pool import Database
from tests.observe.test_traces import ABOVE, Kept, id_of, kept, parent_of

__all__ = ["kept"]


async def test_the_span_of_a_request_is_named_by_its_route(
    state: ApiState, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    transport = httpx2.ASGITransport(app=build_application(state))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for path in ("/healthz", "/api/v1/tasks/7"):
            await client.get(path)
    names = [span.name for span in spans.get_finished_spans()]
    assert {"GET /healthz", "GET /api/v1/tasks/{task_id}"} <= {*names}


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
