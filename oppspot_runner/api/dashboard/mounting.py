"""All pages, and the files that they load, in one place."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from oppspot_runner.api.dashboard.pages import overview

PAGES = (overview.router,)


def mount(app: FastAPI) -> None:
    """Adds the dashboard to the application."""
    for router in PAGES:
        app.include_router(router)
    folder = files("oppspot_runner.api.dashboard") / "static"
    app.mount("/static", StaticFiles(directory=str(folder)), name="static")
