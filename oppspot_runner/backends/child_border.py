"""The child's end of the border: a thread with an event loop that speaks with the runner.

Journal, stores and logs of the child are here, as far as the agent sees; each use is a message.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from structlog.typing import EventDict

from oppspot_runner.backends.border import Answer, Call, Channel, LogLine, Ticket, framed
from oppspot_runner.base.jsonsafe import clean

OF_MEMBER = "_of_member"  # a field of log lines that belong to one member of a batch
METHODS = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
}


class ChildBorder:
    """Takes tickets from the runner; asks and tells it things."""

    def __init__(self, border: socket.socket) -> None:
        self.loop = asyncio.new_event_loop()
        self.tickets: queue.SimpleQueue[Ticket] = queue.SimpleQueue()
        self._run_token = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count()
        self._thread = threading.Thread(
            target=self._serve, args=(border,), name="oppspot-border", daemon=True
        )
        self._thread.start()

    def begin(self, ticket: Ticket) -> None:
        """From here on, lines that this process logs belong to that attempt."""
        self._run_token = ticket.facts[0]["task"].run_token
        sys.path[:] = ticket.sys_path
        log_across(self, ticket.log_level)

    def log(self, method: str, event: str, fields: dict[str, Any]) -> None:
        """Sends a line to the log of the attempt that runs now."""
        run_token = fields.pop(OF_MEMBER, self._run_token)
        self.send(framed(LogLine(run_token, method, event, clean(fields))))

    def send(self, frame: bytes) -> None:
        """Sends a message from any thread, and waits until it is on its way."""
        sending = asyncio.run_coroutine_threadsafe(self._channel.send(frame), self.loop)
        if threading.current_thread() is not self._thread:
            sending.result()

    async def ask(self, member: int, port: str, method: str, args: Any, kwargs: Any) -> Any:
        """What the runner's journal or store answers. In the border's own loop only."""
        number = next(self._numbers)
        self._answers[number] = self.loop.create_future()
        try:
            await self._channel.send(framed(Call(number, member, port, method, args, kwargs)))
            return await self._answers[number]
        finally:
            del self._answers[number]

    def _serve(self, border: socket.socket) -> None:
        try:
            self.loop.run_until_complete(self._listen(border))
        finally:
            os.killpg(0, signal.SIGKILL)

    async def _listen(self, border: socket.socket) -> None:
        self._channel = Channel(*await asyncio.open_connection(sock=border))
        while True:
            message = await self._channel.receive()
            if isinstance(message, Ticket):
                self.tickets.put(message)
            elif message.number in self._answers:
                self._take(self._answers[message.number], message)

    def _take(self, waiting: asyncio.Future[Any], answer: Answer) -> None:
        if waiting.done():
            return
        if answer.error is not None:
            waiting.set_exception(answer.error)
        else:
            waiting.set_result(answer.value)


class RemoteStore:
    """The journal or a store of a member of the batch, by its name in the Context."""

    def __init__(self, border: ChildBorder, member: int, port: str) -> None:
        self._border = border
        self._member = member
        self._port = port

    def __getattr__(self, method: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        if method.startswith("_"):
            raise AttributeError(method)

        async def ask(*args: Any, **kwargs: Any) -> Any:
            return await self._border.ask(self._member, self._port, method, args, kwargs)

        return ask


class StandardLines(logging.Handler):
    """Hands on what libraries log by the standard library."""

    def __init__(self, border: ChildBorder) -> None:
        super().__init__()
        self.border = border

    def emit(self, record: logging.LogRecord) -> None:
        """Sends one line; a record that cannot be shown harms nothing."""
        try:
            fields = {"logger": record.name}
            if record.exc_info:
                fields["exception"] = logging.Formatter().formatException(record.exc_info)
            least = max((one for one in METHODS if one <= record.levelno), default=logging.DEBUG)
            method = METHODS[least]
            self.border.log(method, record.getMessage(), fields)
        except Exception:  # noqa: BLE001 - as of any handler
            self.handleError(record)


def log_across(border: ChildBorder, level: int) -> None:
    """Sends all lines of this process, from `level` on, to the log of the running attempt."""

    def hand_over(_logger: Any, method: str, line: EventDict) -> EventDict:
        border.log(method, str(line.pop("event", "")), dict(line))
        raise structlog.DropEvent

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            hand_over,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.setLevel(level)
    if not any(isinstance(handler, StandardLines) for handler in root.handlers):
        root.addHandler(StandardLines(border))
        logging.captureWarnings(True)
        # It tells of every loop that is made, which is one for each body.
        logging.getLogger("asyncio").setLevel(max(level, logging.INFO))
