"""A Context for plain functions: the same, with methods that block the agent's own thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import fields
from typing import Any, TypeVar, cast

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.steps import NOT_KNOWN
from oppspot_runner.agents.stores import Stores
from oppspot_runner.base.jsonsafe import clean

R = TypeVar("R")
# Attributes whose methods are coroutines.
ASKED = frozenset({"http", "llm", "tools", *(one.name for one in fields(Stores))})


class BlockingContext:
    """What a `def` agent gets: attributes of its Context, coroutine methods made blocking.

    To be used from the agent's thread only; calling it from the event loop would wait for itself.
    A call is where the agent learns that its time is over, see `WorkTime.check`.
    """

    def __init__(self, ctx: Context, loop: asyncio.AbstractEventLoop) -> None:
        self._target: Any = ctx
        self._loop = loop
        self._check = ctx.work_time.check

    def step(self, name: str, function: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """As Context.step; the function runs here, in the agent's own thread."""
        step, known = self.recall(name)
        if known is not NOT_KNOWN:
            return cast(R, known)
        result = function(*args, **kwargs)
        # Not checked: what was done is remembered, also when the time ran out meanwhile.
        _waiting(self._target.journal.remember, self._loop)(step, clean(result))
        return result

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if asyncio.iscoroutinefunction(value):
            return _waiting(value, self._loop, self._check)
        if name in ASKED:
            return BlockingStore(value, self._loop, self._check)
        return value


class BlockingStore(BlockingContext):
    """A store of the Context, made blocking in the same way."""

    def __init__(
        self, store: Any, loop: asyncio.AbstractEventLoop, check: Callable[[], None]
    ) -> None:
        self._target = store
        self._loop = loop
        self._check = check


def _waiting(
    function: Callable[..., Coroutine[Any, Any, R]],
    loop: asyncio.AbstractEventLoop,
    check: Callable[[], None] = lambda: None,
) -> Callable[..., R]:
    def call(*args: Any, **kwargs: Any) -> R:
        check()
        return asyncio.run_coroutine_threadsafe(function(*args, **kwargs), loop).result()

    return call
