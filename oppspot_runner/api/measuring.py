"""What is counted of every request for the metrics: by the template of its route and never by its
address; and the trace that it belongs to."""

from __future__ import annotations

from starlette.types import Scope

from oppspot_runner.base import tracing
from oppspot_runner.observe.counting import RequestCounts

NO_ROUTE = "none"
NO_ANSWER = 500  # one that never began is an error of ours
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}


def count(
    counts: RequestCounts, scope: Scope, method: str, status: int | None, took_s: float | None
) -> None:
    """One more request; `took_s` in seconds is None for a stream."""
    route = getattr(scope.get("route"), "path", NO_ROUTE)
    known = method if method in METHODS else NO_ROUTE
    counts.answered(route, known, status or NO_ANSWER, took_s)


def note_trace(scope: Scope) -> None:
    """Notes the trace of whoever asks: what he puts in belongs to it, where traces are made."""
    given = (value for name, value in scope["headers"] if name == b"traceparent")
    tracing.CURRENT.set(tracing.readable(next(given, b"").decode("latin-1")))
