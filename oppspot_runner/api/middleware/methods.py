"""HEAD and OPTIONS for every address, without a word about them in any route."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
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
        path = scope["path"]
        try:
            if scope["method"] == "HEAD":
                await self._head(scope, receive, send)
            elif scope["method"] == "OPTIONS" and (known := self._known(path)):
                await Response(status_code=204, headers={"Allow": known})(scope, receive, send)
            else:
                await self.app(scope, receive, send)
        except HTTPException as error:
            if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
                raise
            raise HTTPException(error.status_code, headers={"Allow": self._known(path)}) from None

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        scope["state"]["is_head"] = True  # for answers that would not end
        as_get = {**scope, "method": "GET"}
        try:
            await self.app(as_get, receive, without_body)
        finally:
            scope["route"] = as_get.get("route")  # it is counted for that

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
