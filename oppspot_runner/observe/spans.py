"""Spans of OpenTelemetry: the one module that knows its library.

Spans are made from the events of a runner, so nothing that works waits for them. They have ids,
names and numbers, and never a payload, a prompt, an answer or a message of an error.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from uuid import UUID

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

from oppspot_runner.base import events, tracing
from oppspot_runner.base.events import EventBus
from oppspot_runner.base.outcome import Fail, Retry
from oppspot_runner.base.task import Task

SYSTEM = "oppspot_runner"
SERVICE = "oppspot-runner"
MESSAGE = "messaging.message.id"
CONVERSATION = "messaging.message.conversation_id"
Attributes = Mapping[str, str | int | float]


def tracer() -> Tracer:
    """That of the application, where it has a provider of its own; else ours, which sends to what
    the OTEL_ variables say."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": SERVICE}
        provider = TracerProvider(resource=Resource.create(named))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
    return trace.get_tracer(SYSTEM)


class Traces:
    """Makes spans by `tracer`: one for each attempt, with those of its calls below it."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self._open: dict[int, Span] = {}

    def subscribe(self, bus: EventBus) -> None:
        """From now on the attempts of a runner have spans."""
        bus.subscribe(events.TaskStarted, self.task_started)
        bus.subscribe(events.TaskFinished, self.task_finished)
        bus.subscribe(events.ResultDropped, self.result_dropped)
        bus.subscribe(events.ModelCalled, self.model_called)
        bus.subscribe(events.ToolCalled, self.tool_called)

    def trace_id(self, task: Task) -> str | None:
        """The trace of an attempt that is on."""
        span = self._open.get(task.run_token)
        return None if span is None else tracing.trace_id(_traceparent(span))

    def begin_sending(self, lane: str) -> tracing.Sending | None:
        """The span of putting tasks into a lane."""
        span = self.tracer.start_span(
            f"send {lane}",
            _below(tracing.CURRENT.get()),
            SpanKind.PRODUCER,
            _messaging("send", lane),
        )
        return SendSpan(span) if span.get_span_context().is_valid else None

    def task_started(self, event: events.TaskStarted) -> None:
        """Runs in the attempt's own context: what its agent does hangs from the span."""
        task, lane = event.task, _lane(event.task)
        parent = _below(tracing.readable(task.traceparent))
        links = [] if parent is None else [Link(trace.get_current_span(parent).get_span_context())]
        span = self.tracer.start_span(
            f"process {lane}",
            parent or context.Context(),
            SpanKind.CONSUMER,
            {**_messaging("process", lane), **_of_task(task)},
            links,
        )
        self._open[task.run_token] = span
        context.attach(trace.set_span_in_context(span))
        tracing.CURRENT.set(_traceparent(span))

    def task_finished(self, event: events.TaskFinished) -> None:
        span = self._open.pop(event.task.run_token, None)
        if span is None:
            return
        span.set_attribute("oppspot.status", event.status)
        if isinstance(event.outcome, Retry | Fail):
            _failed(span, event.outcome.kind)
        span.end()

    def result_dropped(self, event: events.ResultDropped) -> None:
        span = self._open.pop(event.task.run_token, None)
        if span is not None:
            _failed(span, "lost" if event.lost else "dropped")
            span.end()

    def model_called(self, event: events.ModelCalled) -> None:
        used: Attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": event.provider,
            "gen_ai.request.model": event.model,
            "gen_ai.usage.input_tokens": event.tokens.get("input", 0),
            "gen_ai.usage.output_tokens": event.tokens.get("output", 0),
        }
        cost = {} if event.cost_usd is None else {"oppspot.cost_usd": float(event.cost_usd)}
        self._was(event, f"chat {event.model}", SpanKind.CLIENT, {**used, **cost})

    def tool_called(self, event: events.ToolCalled) -> None:
        called: Attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": event.tool,
        }
        self._was(event, f"execute_tool {event.tool}", SpanKind.INTERNAL, called)

    def _was(
        self,
        event: events.ModelCalled | events.ToolCalled,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
    ) -> None:
        """A span of what has just ended, below that of its attempt."""
        above = self._open.get(event.task.run_token)
        if above is None:
            return
        began_ns = time.time_ns() - int(event.took_s * 1e9)
        place = trace.set_span_in_context(above)
        span = self.tracer.start_span(name, place, kind, dict(attributes), start_time=began_ns)
        if event.code is not None:
            _failed(span, event.code)
        span.end()


class SendSpan:
    """The span of putting tasks in."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.traceparent = _traceparent(span)

    def end(
        self,
        *,
        ids: Sequence[UUID] = (),
        run_id: UUID | None = None,
        error: BaseException | None = None,
    ) -> None:
        if len(ids) == 1:
            self.span.set_attribute(MESSAGE, str(ids[0]))
        elif ids:
            self.span.set_attribute("messaging.batch.message_count", len(ids))
        if run_id is not None:
            self.span.set_attribute(CONVERSATION, str(run_id))
        if error is not None:
            _failed(self.span, type(error).__name__)
        self.span.end()


def _below(traceparent: str | None) -> context.Context | None:
    """Where spans hang from that one; None: from what the application has open, if anything."""
    if traceparent is None:
        return None
    _, trace_id, span_id, flags = traceparent.split("-")
    named = trace.SpanContext(
        int(trace_id, 16), int(span_id, 16), True, trace.TraceFlags(int(flags, 16))
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(named), context.Context())


def _traceparent(span: Span) -> str:
    named = span.get_span_context()
    return f"00-{named.trace_id:032x}-{named.span_id:016x}-{named.trace_flags:02x}"


def _lane(task: Task) -> str:
    return task.task_type.partition(":")[0]


def _messaging(operation: str, lane: str) -> dict[str, str | int | float]:
    return {
        "messaging.system": SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": lane,
    }


def _of_task(task: Task) -> dict[str, str | int | float]:
    ids = {
        MESSAGE: task.id,
        CONVERSATION: task.run_id,
        "oppspot.stream_id": task.stream_id,
        "oppspot.org_id": task.org_id,
        "oppspot.execution_id": task.execution_id,
        "oppspot.agent_type": task.agent_type,
    }
    known = {name: str(value) for name, value in ids.items() if value is not None}
    return {**known, "oppspot.attempt": task.attempt, "oppspot.wait_ms": task.wait_ms}


def _failed(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))
