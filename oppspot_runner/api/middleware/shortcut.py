"""The shortest way to what most requests want: a route that only reads.

The framework asks each route in turn whether it is meant, and keeps things ready that those which
answer for themselves have no use for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from oppspot_runner.api.straight import Straight

TRACED = "fastapi.telemetry"  # the framework names the span of a request by its route
NAME = re.compile(r"\?P<\w+>")


class Shortcut:
    """Hands requests to the `Straight` of `routes` that is meant, all others to `app`."""

    def __init__(self, app: ASGIApp, routes: Sequence[APIRoute]) -> None:
        self.app = app
        self.routes = [route for route in routes if "GET" in (route.methods or ())]
        # All in one, in their order: the number of the group that matched is that of the route.
        each = (NAME.sub("?:", route.path_regex.pattern) for route in self.routes)
        self.paths = re.compile("|".join(f"({one})" for one in each))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        route = self._meant(scope)
        if route is None:
            await self.app(scope, receive, send)
            return
        _, found = route.matches(scope)
        scope.update(found)
        await route.app(scope, receive, send)

    def _meant(self, scope: Scope) -> APIRoute | None:
        path: str = scope["path"]
        if scope["method"] != "GET" or TRACED in scope:
            return None
        found = self.paths.match(path.removeprefix(scope.get("root_path", "")))
        route = self.routes[(found.lastindex or 0) - 1] if found else None
        return route if route is not None and isinstance(route.app, Straight) else None
