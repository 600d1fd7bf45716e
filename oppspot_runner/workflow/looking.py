"""Follows a run by looking again and again, where nothing can listen: in blocking code, and on
connections of the caller's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

from oppspot_runner.workflow.run_events import Page, RunEvent

LOOK_S = 0.25


def look(read: Callable[[int], Page], after: int) -> Iterator[RunEvent]:
    """Events after number `after`, as they come, up to the last one."""
    while True:
        page = read(after)
        for event in page.events:
            yield event
            after = event.seq
        if page.is_end:
            return
        if page.is_newest:
            threading.Event().wait(LOOK_S)


async def look_async(
    read: Callable[[int], Awaitable[Page]], after: int
) -> AsyncGenerator[RunEvent, None]:
    """The same for async code."""
    while True:
        page = await read(after)
        for event in page.events:
            yield event
            after = event.seq
        if page.is_end:
            return
        if page.is_newest:
            await asyncio.sleep(LOOK_S)
