"""Plain functions off the event loop, in daemon threads that cannot hold the exit."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

R = TypeVar("R")

_left_behind: set[threading.Thread] = set()


async def in_thread(function: Callable[[], R]) -> R:
    """Runs `function` in a daemon thread of its own, so that one that hangs cannot hold the exit.

    A thread cannot be cancelled: when the caller is, the thread goes on and its result is lost.
    """
    future: Future[R] = Future()
    future.set_running_or_notify_cancel()  # from here on a cancelled waiter cannot cancel it
    context = contextvars.copy_context()

    def work() -> None:
        try:
            future.set_result(context.run(function))
        except StopIteration as error:  # a future refuses it and would never end
            future.set_exception(RuntimeError(f"the function raised {error!r}"))
        except BaseException as error:  # noqa: BLE001 - handed to who waits
            future.set_exception(error)

    thread = threading.Thread(target=work, name="oppspot-agent", daemon=True)
    thread.start()
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        if not future.done():
            _left_behind.add(thread)
        raise


def left_behind() -> int:
    """How many threads of this process still run though nobody waits for them any more."""
    known = _left_behind.copy()  # at once: others may add to it meanwhile
    _left_behind.difference_update(thread for thread in known if not thread.is_alive())
    return len(_left_behind)
