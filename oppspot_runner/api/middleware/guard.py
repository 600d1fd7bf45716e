"""The outermost layer: what every answer carries, how long it may take, what the log says of it."""

from __future__ import annotations

import asyncio
import re
import secrets
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oppspot_runner.api.dashboard.failing import show
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.state import ApiState

SECURITY = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HEALTH = {"/healthz", "/readyz"}
GIVEN_ID = re.compile(r"[\w.:-]{1,64}")


class Guard:
    """Sees every request first and every answer last."""

    def __init__(self, app: ASGIApp, state: ApiState) -> None:
        self.app = app
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, whatever becomes of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})
        answer = Answer(scope, send)
        with structlog.contextvars.bound_contextvars(request_id=answer.request_id):
            try:
                await self._answered(scope, receive, answer)
            except Exception as error:  # noqa: BLE001 - whoever asked is to get an answer
                await self._told(scope, receive, answer, error)
            finally:
                answer.log()

    async def _told(self, scope: Scope, receive: Receive, answer: Answer, error: Exception) -> None:
        if answer.status is None:
            response = await show(Request(scope), error)
            await response(scope, receive, answer.send)
        elif not answer.is_whole:
            structlog.get_logger().error("an answer broke off", exc_info=error)

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


class Answer:
    """An answer on its way out: gets its headers, and is remembered for the log."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.status: int | None = None
        self.is_whole = False
        self.limit: asyncio.Timeout | None = None
        self.request_id = self._id()
        self._send = send
        self._began_at = time.monotonic()

    def _id(self) -> str:
        given = Headers(scope=self.scope).get("x-request-id", "")
        return given if GIVEN_ID.fullmatch(given) else secrets.token_hex(8)

    async def send(self, message: Message) -> None:
        """Sends a part of it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", self._caching())
            headers["X-Request-ID"] = self.request_id
            if self.limit is not None and "event-stream" in headers.get("content-type", ""):
                self.limit.reschedule(None)
        elif not message.get("more_body", False):
            self.is_whole = True
        await self._send(message)

    def _caching(self) -> str:
        if "/static/" not in self.scope["path"]:
            return "no-store"
        is_versioned = self.scope["query_string"].startswith(b"v=")
        return "public, max-age=31536000, immutable" if is_versioned else "no-cache"

    def log(self) -> None:
        """Says what was asked and answered. Values of the query may be secret, and are left out."""
        actor = self.scope["state"].get("actor")
        client = self.scope.get("client")
        structlog.get_logger().debug(
            "request",
            method=self.scope["method"],
            path=self.scope["path"],
            status=self.status,
            ms=round((time.monotonic() - self._began_at) * 1000, 1),
            actor=actor.name if actor else None,
            address=client[0] if client else None,
        )
