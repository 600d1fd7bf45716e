"""How a call waits for a database that is away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

R = TypeVar("R")


class Through(Protocol):
    """Makes a call, and repeats it until the database answers where that is its way."""

    async def __call__(self, call: Callable[[], Awaitable[R]], /) -> R: ...


async def at_once(call: Callable[[], Awaitable[R]], /) -> R:
    """Makes the call a single time: a database that is away is an error."""
    return await call()
