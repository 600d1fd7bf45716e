"""The outermost layer: how long an answer may take, and what is told where something fails."""

from __future__ import annotations

import asyncio

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from oppspot_runner.api.dashboard.failing import show
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.measuring import note_trace
from oppspot_runner.api.middleware.answer import Answer
from oppspot_runner.api.state import ApiState
from oppspot_runner.observe.counting import RequestCounts

HEALTH = {"/healthz", "/readyz"}


class Guard:
    """Sees every request first and every answer last, and turns all errors into answers."""

    def __init__(self, app: ASGIApp, state: ApiState, counts: RequestCounts) -> None:
        self.app = app
        self.state = state
        self.counts = counts
        self.log = structlog.get_logger().bind()  # which takes longer than a line not written

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, whatever becomes of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})
        note_trace(scope)
        answer = Answer(scope, send, self.counts)
        structlog.contextvars.bind_contextvars(request_id=answer.request_id)  # in a task of its own
        try:
            await self._answered(scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - whoever asked is to get an answer
            await self._told(scope, receive, answer, error)
        finally:
            answer.end(self.log)

    async def _told(self, scope: Scope, receive: Receive, answer: Answer, error: Exception) -> None:
        if answer.status is None:
            response = await show(Request(scope), error)
            await response(scope, receive, answer.send)
        else:
            what = "a request failed after its answer" if answer.is_whole else "an answer broke off"
            self.log.error(what, exc_info=error)

    async def _answered(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        if self.state.is_starting and scope["path"] not in HEALTH:
            raise ApiError(
                ApiCode.STARTING,
                "this process only starts: see /readyz",
                headers={"Retry-After": "2"},
            )
        limit_s = self.state.settings.http_time_limit
        try:
            async with asyncio.timeout(limit_s) as answer.limit:
                await self.app(scope, receive, answer.send)
        except TimeoutError:
            if answer.limit is None or not answer.limit.expired():
                raise
            raise ApiError(
                ApiCode.TIME_LIMIT_EXCEEDED,
                f"there was no answer within {limit_s:g} s, the limit of OPPSPOT_HTTP_TIME_LIMIT",
                headers={"Retry-After": "10"},
            ) from None
