"""All layers in front of the application, in their order."""

from __future__ import annotations

from typing import Any, cast

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from oppspot_runner.api.middleware.bodies import BodyLimit
from oppspot_runner.api.middleware.guard import Guard
from oppspot_runner.api.middleware.methods import Methods
from oppspot_runner.api.middleware.rates import RateLimit
from oppspot_runner.api.openapi import Application
from oppspot_runner.api.state import ApiState

# More effort makes answers hardly smaller, and takes the time of the loop that tasks run in.
GZIP_LEVEL, GZIP_FROM_BYTES = 4, 2048


def in_front_of(app: Application, state: ApiState) -> ASGIApp:
    """`app` with all that stands in front of it."""
    settings = state.settings
    made: ASGIApp = GZipMiddleware(app.build_middleware_stack(), GZIP_FROM_BYTES, GZIP_LEVEL)
    made = BodyLimit(made, settings.http_body_limit)
    if settings.http_rate:
        made = RateLimit(made, settings.http_rate)
    made = Guard(Methods(made, app), state)
    if settings.http_proxies:
        made = cast(Any, ProxyHeadersMiddleware)(made, settings.http_proxies)
    return made
