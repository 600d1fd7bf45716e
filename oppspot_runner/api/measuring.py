"""Counts every request for the metrics, by the template of its route and never by its address;
and notes the trace that it belongs to."""

from __future__ import annotations

from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oppspot_runner.base import tracing
from oppspot_runner.observe.counting import RequestCounts

NO_ROUTE = "none"
STREAM = b"text/event-stream"
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}


class Measured:
    """The application inside it, with its requests counted."""

    def __init__(self, app: ASGIApp, counts: RequestCounts) -> None:
        self.app = app
        self.counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, answer = monotonic(), _Answer()
        tracing.CURRENT.set(_traceparent(scope))

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.begin(message, self.counts)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            if answer.is_stream:
                self.counts.open_streams -= 1
            took_s = None if answer.is_stream else monotonic() - began
            method = scope["method"] if scope["method"] in METHODS else NO_ROUTE
            self.counts.answered(_route(scope), method, answer.status, took_s)


class _Answer:
    """What is known of an answer; one that never began is an error of ours."""

    status = 500
    is_stream = False

    def begin(self, message: Message, counts: RequestCounts) -> None:
        self.status = message["status"]
        self.is_stream = any(
            name.lower() == b"content-type" and value.startswith(STREAM)
            for name, value in message["headers"]
        )
        counts.open_streams += self.is_stream


def _traceparent(scope: Scope) -> str | None:
    """The trace of whoever asks: what he puts in belongs to it, where traces are made."""
    given = (value for name, value in scope["headers"] if name == b"traceparent")
    return tracing.readable(next(given, b"").decode("latin-1"))


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", NO_ROUTE)
