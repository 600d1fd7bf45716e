"""A Context for plain functions: the same, with methods that block the agent's own thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from oppspot_runner.agents.context import NOT_KNOWN, Context
from oppspot_runner.base.jsonsafe import clean

R = TypeVar("R")


class BlockingContext:
    """What a `def` agent gets: attributes of its Context, coroutine methods made blocking.

    To be used from the agent's thread only; calling it from the event loop would wait for itself.
    """

    def __init__(self, ctx: Context, loop: asyncio.AbstractEventLoop) -> None:
        self._target: Any = ctx
        self._loop = loop

    def step(self, name: str, function: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """As Context.step; the function runs here, in the agent's own thread."""
        seq, known = self.recall(name)
        if known is not NOT_KNOWN:
            return cast(R, known)
        result = function(*args, **kwargs)
        _waiting(self._target.journal.remember, self._loop)(name, seq, clean(result))
        return result

    def __getattr__(self, name: str) -> Any:
        return blocking(getattr(self._target, name), self._loop)


class BlockingStore(BlockingContext):
    """A store of the Context, made blocking in the same way."""

    def __init__(self, store: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._target = store
        self._loop = loop


def blocking(value: Any, loop: asyncio.AbstractEventLoop) -> Any:
    """`value`, or for a coroutine function one that waits for its result."""
    if asyncio.iscoroutinefunction(value):
        return _waiting(value, loop)
    if type(value).__name__.endswith("Store"):
        return BlockingStore(value, loop)
    return value


def _waiting(
    function: Callable[..., Coroutine[Any, Any, R]], loop: asyncio.AbstractEventLoop
) -> Callable[..., R]:
    def call(*args: Any, **kwargs: Any) -> R:
        return asyncio.run_coroutine_threadsafe(function(*args, **kwargs), loop).result()

    return call
