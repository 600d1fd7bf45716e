"""The application: all routes, errors and middleware in one place."""

from __future__ import annotations

from fastapi import FastAPI

from oppspot_runner.api import errors
from oppspot_runner.api.dashboard.mounting import mount
from oppspot_runner.api.routes import health, tasks
from oppspot_runner.api.state import ApiState
from oppspot_runner.app.wiring import package_version

ROUTERS = (health.router, tasks.router)


def build_application(state: ApiState) -> FastAPI:
    """The ASGI application. The OpenAPI file is at /openapi.json."""
    app = FastAPI(
        title="oppspot_runner",
        version=package_version(),
        docs_url=None,
        redoc_url=None,
        responses={
            "4XX": {"model": errors.ErrorBody, "description": "Refused; `code` says why."},
            "5XX": {"model": errors.ErrorBody, "description": "Not done; ask again later."},
        },
    )
    app.state.api = state
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    mount(app)
    return app
