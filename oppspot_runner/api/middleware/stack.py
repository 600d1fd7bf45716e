"""All layers in front of the application, in their order."""

from __future__ import annotations

import re
from typing import Any, cast

from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from oppspot_runner.api.middleware.bodies import BodyLimit
from oppspot_runner.api.middleware.guard import Guard
from oppspot_runner.api.middleware.methods import Methods
from oppspot_runner.api.middleware.rates import RateLimit
from oppspot_runner.api.middleware.shortcut import Shortcut
from oppspot_runner.api.openapi import Application
from oppspot_runner.api.state import ApiState
from oppspot_runner.observe.counting import RequestCounts

# More effort makes answers hardly smaller, and takes the time of the loop that tasks run in.
GZIP_LEVEL, GZIP_FROM_BYTES = 4, 2048
REFUSED = re.compile(rb"gzip\s*;\s*q=0(\.0*)?\s*(,|$)")


class Zipped:
    """Makes answers smaller for who says that he can read that; those of others pass untouched.

    Files pass through it for everybody: they are kept by caches, which are told that there are two
    forms of them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.zipping = GZipMiddleware(app, GZIP_FROM_BYTES, GZIP_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        is_file = "/static/" in scope["path"]
        await (self.zipping if is_file or _reads_zipped(scope) else self.app)(scope, receive, send)


def _reads_zipped(scope: Scope) -> bool:
    told = (how for name, how in scope["headers"] if name == b"accept-encoding")
    return any(b"gzip" in how and not REFUSED.search(how) for how in told)


def in_front_of(app: Application, state: ApiState, counts: RequestCounts) -> ASGIApp:
    """`app` with all that stands in front of it; its requests are counted."""
    settings = state.settings
    # The framework's own layers, but for this one, would only turn errors into answers.
    framework = AsyncExitStackMiddleware(app.router)
    made: ASGIApp = Zipped(Shortcut(framework, app.known))
    made = BodyLimit(made, settings.http_body_limit)
    if settings.http_rate:
        made = RateLimit(made, settings.http_rate)
    made = Guard(Methods(made, app), state, counts)
    if settings.http_proxies:
        made = cast(Any, ProxyHeadersMiddleware)(made, settings.http_proxies)
    return made
