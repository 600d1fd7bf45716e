"""One trace from whoever puts a task in over its attempts and calls to what depends on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from oppspot_runner import AsyncClient, Context, tool
from oppspot_runner.agents.registry import Registry
from oppspot_runner.base import tracing as words
from oppspot_runner.base.errors import ConfigurationError, NotFoundError
from oppspot_runner.observe import tracing
from oppspot_runner.observe.spans import Traces
from tests.runner.conftest import Bench, bench, registry
from tests.seeds.conftest import Lines, log_lines

__all__ = ["bench", "log_lines", "registry"]

SECRET = "what nobody may read in a span"
ABOVE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Kept:
    """The spans that ended."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.traces = Traces(provider.get_tracer("tests"))

    def named(self, name: str) -> list[ReadableSpan]:
        return [one for one in self.all() if one.name == name]

    def all(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    made = Kept()
    monkeypatch.setattr(tracing, "start", lambda wanted: made.traces)
    words.trace_sending(made.traces.begin_sending)
    yield made
    words.trace_sending(None)


@tool("measure_text")
def measure_text(text: str) -> int:
    """Counts the letters of a text."""
    return len(text)


async def first(ctx: Context) -> dict[str, Any]:
    ctx.log.info("it begins")
    answer = await ctx.llm.ask(SECRET, model="mock:echo")
    await ctx.tools.call("measure_text", {"text": SECRET})
    return {"words": len(answer.text.split())}


async def second(ctx: Context) -> dict[str, Any]:
    await ctx.spawn("third", [{}])
    return {}


async def third(ctx: Context) -> dict[str, Any]:
    if ctx.attempt == 1:
        raise LookupError(SECRET)
    return {}


def trace_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.trace_id


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


async def stream_of(bench: Bench) -> tuple[UUID, UUID]:
    tools = json.dumps({"tools": ["measure_text"]})
    agents = [
        await bench.agent(first, configuration=tools),
        await bench.agent(second),
        await bench.agent(third),
    ]
    row = await bench.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    assert row is not None
    for agent, needs in ((agents[0], []), (agents[1], [agents[0]])):
        await bench.db.execute(
            "INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)"
            " VALUES (%s, %s, %s)",
            (row["id"], agent, needs),
        )
    return row["id"], agents[0]


@pytest.mark.slow
async def test_one_trace_leads_from_the_sender_over_calls_to_dependents_and_children(
    bench: Bench, registry: Registry, kept: Kept, log_lines: Lines
) -> None:
    stream, agent = await stream_of(bench)
    sent = await AsyncClient(bench.db).enqueue(agent, {"secret": SECRET}, stream_id=stream)
    async with bench.running():
        await bench.ended(sent)
        await bench.until(lambda: all_over(bench, 3))
    assert len({trace_of(one) for one in kept.all()}) == 1, [one.name for one in kept.all()]
    (send,) = kept.named("send agent_execution")
    attempts = {one.attributes["oppspot.agent_type"]: one for one in kept.named(PROCESS)}
    assert set(attempts) == {"first", "second", "third"}
    assert (send.kind, parent_of(send)) == (SpanKind.PRODUCER, None)
    assert send.attributes["messaging.message.id"] == str(sent)
    root = attempts["first"]
    assert (root.kind, parent_of(root)) == (SpanKind.CONSUMER, id_of(send))
    assert [link.context.span_id for link in root.links] == [id_of(send)]
    # What depends on it hangs from it, and children from who made them.
    assert parent_of(attempts["second"]) == id_of(root)
    waited = [one for one in kept.named(PROCESS) if parent_of(one) == id_of(root)]
    assert parent_of(attempts["third"]) == id_of(waited[0])
    (chat,) = kept.named("chat echo")
    assert (chat.kind, parent_of(chat)) == (SpanKind.CLIENT, id_of(root))
    assert chat.attributes["gen_ai.usage.input_tokens"] > 0
    (called,) = kept.named("execute_tool measure_text")
    assert parent_of(called) == id_of(root)
    failed = [one for one in kept.named(PROCESS) if one.status.status_code is StatusCode.ERROR]
    assert [one.attributes["error.type"] for one in failed] == ["LookupError"]
    assert SECRET not in "".join(one.to_json() for one in kept.all())
    lines = [line for line in log_lines() if "task_id" in line]
    assert {line.get("trace_id") for line in lines if line["event"] != "task started"} == {
        f"{trace_of(send):032x}"
    }


PROCESS = "process agent_execution"


async def all_over(bench: Bench, tasks: int) -> bool:
    row = await bench.db.fetch_one(
        "SELECT count(*) AS n FROM agent_tasks WHERE status = 'completed'"
    )
    return row is not None and row["n"] == tasks


async def test_what_was_put_in_by_hand_begins_a_trace_or_joins_the_one_it_names(
    bench: Bench, kept: Kept
) -> None:
    agent = await bench.agent(second_alone)
    tasks = [
        await bench.task(agent),
        await bench.task(agent, traceparent=ABOVE),
        await bench.task(agent, traceparent="nonsense"),
    ]
    async with bench.running():
        await bench.ended(*tasks)
    spans = {one.attributes["messaging.message.id"]: one for one in kept.named(PROCESS)}
    alone, joined, unread = (spans[str(task)] for task in tasks)
    assert parent_of(alone) is parent_of(unread) is None
    assert f"{trace_of(joined):032x}" == words.trace_id(ABOVE)
    assert f"{parent_of(joined):016x}" == ABOVE.split("-")[2]


async def second_alone(ctx: Context) -> dict[str, Any]:
    # Spans of the agent's own hang from its attempt.
    return {"here": trace.get_current_span().get_span_context().is_valid}


async def test_many_are_one_span_and_errors_are_named(bench: Bench, kept: Kept) -> None:
    agent = await bench.agent(second_alone)
    client = AsyncClient(bench.db)
    await client.enqueue_many(agent, [{}] * 3, task_type="night")
    with pytest.raises(NotFoundError):
        await client.enqueue("nobody")
    many, refused = kept.all()
    assert many.name == "send night"
    assert many.attributes["messaging.batch.message_count"] == 3
    assert refused.attributes["error.type"] == "NotFoundError"
    rows = await bench.db.fetch_all("SELECT DISTINCT traceparent FROM agent_tasks")
    assert [words.trace_id(row["traceparent"]) for row in rows] == [f"{trace_of(many):032x}"]


@pytest.mark.slow
async def test_without_traces_nothing_is_kept(bench: Bench) -> None:
    stream, agent = await stream_of(bench)
    await AsyncClient(bench.db).enqueue(agent, stream_id=stream)
    async with bench.running():
        await bench.until(lambda: all_over(bench, 3))
    rows = await bench.db.fetch_all(
        "SELECT traceparent FROM agent_tasks UNION ALL SELECT traceparent FROM stream_runs"
    )
    assert [row["traceparent"] for row in rows] == [None] * 4


def test_traces_are_off_unless_somebody_says_where_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    assert tracing.start(None) is None
    assert tracing.start(False) is None


def test_the_missing_extra_is_named_only_to_who_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "oppspot_runner.observe.spans", None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    tracing._started.cache_clear()
    assert tracing.start(None) is None
    with pytest.raises(ConfigurationError, match="traces are wanted") as error:
        tracing.start(True)
    assert "oppspot-runner[otel]" in error.value.one_line()
    tracing._started.cache_clear()
