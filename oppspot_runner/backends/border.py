"""What crosses the border between the runner and a child process, and how: pickles in frames.

Both ends are asyncio streams, so that a child that stops in the middle of a frame holds up nobody.
"""

from __future__ import annotations

import asyncio
import pickle
import struct
from dataclasses import dataclass, field
from typing import Any

from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.base.errors import OppspotError
from oppspot_runner.base.outcome import Outcome

SIZE = struct.Struct("!Q")
MOST_BYTES = 64 * 1024 * 1024  # what is larger belongs in a table or a file of its own


class BorderError(OppspotError):
    """Something that cannot cross: it cannot be pickled, cannot be read, or is too large."""


@dataclass(frozen=True)
class Ticket:
    """To the child: run this body. `facts` are the fields of its Context that are plain data, of
    the members of a batch one after the other."""

    module: str
    name: str
    agent_type: str
    options: AgentOptions
    facts: list[dict[str, Any]]
    log_level: int
    sys_path: list[str]


@dataclass(frozen=True)
class Call:
    """To the runner: call this method of the journal or of a store of a member, and answer."""

    number: int
    member: int
    port: str
    method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """To the child: what the call of that number returned or raised."""

    number: int
    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class LogLine:
    """To the runner: a line for the log of the attempt with that token."""

    run_token: int
    method: str
    event: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """To the runner: how the body ended, None when it met LeaseLostError.

    `each` is that of a Result. `worn_out`: this child should not run another one. `value` and
    `state`, the attributes of the agent, are there when they have to be saved.
    """

    outcome: Outcome | None
    worn_out: bool
    value: Any = None
    state: dict[str, Any] | None = None
    each: tuple[Outcome, ...] = ()


@dataclass
class Channel:
    """One end of the border."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def receive(self) -> Any:
        """The next message. Raises EOFError when the other end is gone, BorderError for what
        cannot be read."""
        try:
            (size,) = SIZE.unpack(await self.reader.readexactly(SIZE.size))
            if size > MOST_BYTES:
                raise BorderError(f"{size:,} bytes are too large to cross (most: {MOST_BYTES:,})")
            data = await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise EOFError(str(error)) from None
        try:
            return pickle.loads(data)  # noqa: S301 - both ends run the same person's code
        except Exception as error:
            raise BorderError(
                f"it cannot be read on the other side: {type(error).__name__}: {error}"
            ) from error

    async def send(self, frame: bytes) -> None:
        """Sends what `framed` made, and waits until the other end takes it."""
        async with self._turn:
            self.writer.write(frame)
            await self.writer.drain()


def framed(message: Any) -> bytes:
    """A message as bytes. Raises BorderError when it cannot be pickled or is too large."""
    try:
        data = pickle.dumps(message)
    except Exception as error:
        raise BorderError(f"it cannot be pickled: {error}") from error
    if len(data) > MOST_BYTES:
        raise BorderError(f"{len(data):,} bytes are too large to cross (most: {MOST_BYTES:,})")
    return SIZE.pack(len(data)) + data
