"""HEAD and OPTIONS for every address, without a word about them in any route."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oppspot_runner.api.openapi import Application


class Methods:
    """Answers HEAD as GET without the body, OPTIONS with the methods that an address knows."""

    def __init__(self, app: ASGIApp, routes: Application) -> None:
        self.app = app
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        method, path = scope["method"], scope["path"]
        if method == "OPTIONS" and (known := self._known(path)):
            await Response(status_code=204, headers={"Allow": known})(scope, receive, send)
            return

        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 405:
                MutableHeaders(scope=message)["allow"] = self._known(path)
            if method == "HEAD" and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        if method == "HEAD":
            scope["state"]["is_head"] = True  # for answers that would not end
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, changed)

    def _known(self, path: str) -> str:
        known = {
            method
            for route in self.routes.known
            if route.path_regex.match(path)
            for method in route.methods or ()
        }
        if not known:
            return ""
        return ", ".join(sorted(known | {"OPTIONS"} | ({"HEAD"} if "GET" in known else set())))
