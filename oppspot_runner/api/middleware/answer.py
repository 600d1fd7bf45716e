"""An answer on its way out: gets its headers, and is remembered for the log and the metrics."""

from __future__ import annotations

import asyncio
import os
import re
import time

from starlette.types import Message, Scope, Send
from structlog.typing import FilteringBoundLogger

from oppspot_runner.api.measuring import count
from oppspot_runner.observe.counting import RequestCounts

SECURITY = {
    b"content-security-policy": b"default-src 'self'; base-uri 'none'; form-action 'self'; "
    b"frame-ancestors 'none'; object-src 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}
GIVEN_ID = re.compile(rb"[\w.:-]{1,64}")
STREAM = b"text/event-stream"
FIRST_ERROR = 400


class Answer:
    """Of one request. `limit` is how long it may take, which a stream has none of."""

    def __init__(self, scope: Scope, send: Send, counts: RequestCounts) -> None:
        self.scope = scope
        self.method = scope["method"]
        self.status: int | None = None
        self.is_whole = self.is_stream = False
        self.limit: asyncio.Timeout | None = None
        self.request_id = self._id()
        self.counts = counts
        self._send = send
        self._began_at = time.monotonic()

    def _id(self) -> str:
        given = next((is_ for name, is_ in self.scope["headers"] if name == b"x-request-id"), b"")
        return given.decode() if GIVEN_ID.fullmatch(given) else os.urandom(8).hex()

    async def send(self, message: Message) -> None:
        """Sends a part of it."""
        if message["type"] == "http.response.start":
            self._begin(message)
        elif not message.get("more_body", False):
            self.is_whole = True
        await self._send(message)

    def _begin(self, message: Message) -> None:
        self.status = message["status"]
        given = dict(message["headers"])
        ours = {**SECURITY, b"cache-control": self._caching()}
        message["headers"] = [
            *message["headers"],
            *(one for one in ours.items() if one[0] not in given),
            (b"x-request-id", self.request_id.encode()),
        ]
        if given.get(b"content-type", b"").startswith(STREAM):
            self.is_stream = True
            self.counts.open_streams += 1
            if self.limit is not None:
                self.limit.reschedule(None)

    def _caching(self) -> bytes:
        if "/static/" not in self.scope["path"] or (self.status or 0) >= FIRST_ERROR:
            return b"no-store"
        is_versioned = self.scope["query_string"].startswith(b"v=")
        return b"public, max-age=31536000, immutable" if is_versioned else b"no-cache"

    def end(self, log: FilteringBoundLogger) -> None:
        """Counts it, and says what was asked and answered. Values of the query may be secret, and
        are left out."""
        took_s = time.monotonic() - self._began_at
        if self.is_stream:
            self.counts.open_streams -= 1
        count(self.counts, self.scope, self.method, self.status, None if self.is_stream else took_s)
        actor = self.scope["state"].get("actor")
        client = self.scope.get("client")
        log.debug(
            "request",
            method=self.method,
            path=self.scope["path"],
            status=self.status,
            ms=round(took_s * 1000, 1),
            actor=actor.name if actor else None,
            address=client[0] if client else None,
        )
