"""A Context for another event loop than the one that it belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, cast

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.ports import Journal, ModelCalls, ToolCalls
from oppspot_runner.agents.stores import Stores
from oppspot_runner.agents.work_time import WorkTime


def from_elsewhere(ctx: Context, home: asyncio.AbstractEventLoop) -> Context:
    """`ctx` for an agent whose loop is not `home`: its journal and stores go on working there."""

    def there(port: Any) -> Any:
        return None if port is None else _Elsewhere(port, home, ctx.work_time)

    return replace(
        ctx,
        journal=cast(Journal, there(ctx.journal)),
        _model_calls=cast(ModelCalls, there(ctx._model_calls)),
        _tool_calls=cast(ToolCalls, there(ctx._tool_calls)),
        http=replace(ctx.http, calls=there(ctx.http)),
        stores=Stores.each(lambda name: there(getattr(ctx.stores, name))),
    )


class _Elsewhere:
    """A journal or store whose coroutines run in the loop `home`."""

    def __init__(self, port: Any, home: asyncio.AbstractEventLoop, work_time: WorkTime) -> None:
        self._port = port
        self._home = home
        self._work_time = work_time

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        function = getattr(self._port, name)

        async def ask(*args: Any, **kwargs: Any) -> Any:
            self._work_time.check_over()
            work = asyncio.run_coroutine_threadsafe(function(*args, **kwargs), self._home)
            return await asyncio.wrap_future(work)

        return ask
