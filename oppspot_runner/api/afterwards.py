"""Requests that go on after their transaction: what they began is waited for.

Nothing is held meanwhile, no transaction and no connection. Whoever repeats such a request with its
Idempotency-Key waits for what the first one began.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from fastapi import Request, Response

from oppspot_runner.api.changing import SAFE, ChangingRoute, Handler
from oppspot_runner.api.state import ApiState, state_of

# Makes the answer of the one that was committed.
GoOn = Callable[[Request, Response], Awaitable[Response]]


def then(go_on: GoOn) -> type[ChangingRoute]:
    """A route whose good answers to changes `go_on` may still change, after the commit."""

    class GoingOnRoute(ChangingRoute):
        def get_route_handler(self) -> Handler:
            change = super().get_route_handler()

            async def handle(request: Request) -> Response:
                response = await change(request)
                if request.method in SAFE or response.status_code >= 300:
                    return response
                try:
                    return await go_on(request, response)
                finally:  # whoever asked meanwhile was told what no longer holds
                    state_of(request).forget()

            return handle

    return GoingOnRoute


async def pause(state: ApiState, seconds: float) -> None:
    """Waits so long, or until the process ends."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await state.closing.wait()
