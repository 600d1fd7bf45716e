"""All pages, and the files that they load, in one place."""

from __future__ import annotations

from importlib.resources import files

from starlette.staticfiles import StaticFiles

from oppspot_runner.api.dashboard.pages import (
    agents,
    audit,
    companies,
    costs,
    dead_letters,
    drafts,
    limits,
    login,
    new_task,
    notifications,
    overview,
    runners,
    runs,
    schedules,
    signals,
    stream_companies,
    streams,
    task,
    tasks,
)
from oppspot_runner.api.openapi import Application

PAGES = (
    login.router,
    overview.router,
    new_task.router,
    tasks.router,
    task.router,
    streams.router,
    stream_companies.router,
    runs.router,
    schedules.router,
    dead_letters.router,
    agents.router,
    costs.router,
    runners.router,
    audit.router,
    signals.router,
    drafts.router,
    companies.router,
    notifications.router,
    limits.router,
)


def mount(app: Application) -> None:
    """Adds the dashboard to the application."""
    for router in PAGES:
        app.add(router)
    folder = files("oppspot_runner.api.dashboard") / "static"
    app.mount("/static", StaticFiles(directory=str(folder)), name="static")
