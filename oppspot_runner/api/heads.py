"""What of a request is no body has a limit in bytes, and its head one in time.

Nobody is asked for a token before a head is whole, and what is sent until then lies in memory. Nor
is anybody asked for what he sends after his answer: the rest of a body, or empty lines.
"""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 256 * 1024  # not less than is read at once
HEAD_S = 30.0


class BoundedHeads(HttpToolsProtocol):
    """HTTP on one connection, which ends when a head is too large or takes too long."""

    head_s = HEAD_S
    _late: asyncio.TimerHandle | None = None
    _taken = 0  # bytes since a head was whole, or a part of a body came

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins with a head."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits for nothing any more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes a part of a request, unless its head, or what is around chunks, is large."""
        if self._taken > MOST_HEAD_BYTES:
            self.send_400_response("The head of the request is too large.")
            return
        super().data_received(data)
        self._taken += len(data)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._taken = 0
        self._wait_no_more()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body, which `BodyLimit` counts."""
        self._taken = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Waits for the next head, and for what is left of a body that nobody reads."""
        super().on_response_complete()
        if self.cycle.response_complete:  # else one that was sent meanwhile is answered now
            self._wait()

    def _wait(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self.head_s, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
