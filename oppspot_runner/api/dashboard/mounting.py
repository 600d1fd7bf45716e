"""All pages, and the files that they load, in one place."""

from __future__ import annotations

from importlib.resources import files

from starlette.staticfiles import StaticFiles

from oppspot_runner.api.dashboard import failing
from oppspot_runner.api.dashboard.pages import (
    dead_letters,
    new_task,
    overview,
    runners,
    task,
    tasks,
)
from oppspot_runner.api.openapi import Application

PAGES = (
    overview.router,
    new_task.router,
    tasks.router,
    task.router,
    dead_letters.router,
    runners.router,
)


def mount(app: Application) -> None:
    """Adds the dashboard to the application."""
    for router in PAGES:
        app.add(router)
    folder = files("oppspot_runner.api.dashboard") / "static"
    app.mount("/static", StaticFiles(directory=str(folder)), name="static")
    failing.install(app)
