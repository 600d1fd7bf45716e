"""The application: all routes, errors and middleware in one place."""

from __future__ import annotations

from functools import partial

from oppspot_runner.api.dashboard.mounting import mount
from oppspot_runner.api.middleware.stack import in_front_of
from oppspot_runner.api.openapi import Application
from oppspot_runner.api.routes import (
    agents,
    audit,
    companies,
    costs,
    dead_letters,
    drafts,
    events,
    executions,
    health,
    history,
    holds,
    metrics,
    notifications,
    outside,
    people,
    runners,
    runs,
    schedules,
    signals,
    status,
    stream_agents,
    stream_items,
    streams,
    task_runner,
    tasks,
    tokens,
    trials,
)
from oppspot_runner.api.state import ApiState
from oppspot_runner.app.metrics import build_metrics
from oppspot_runner.base.version import package_version
from oppspot_runner.observe.counting import RequestCounts

ROUTERS = (  # what is asked for most comes first: each is looked through in turn
    health.router,
    task_runner.router,
    tasks.router,
    metrics.router,
    status.router,
    tokens.router,
    audit.router,
    dead_letters.router,
    runs.router,
    schedules.router,
    holds.of_pauses,
    holds.of_limits,
    runners.router,
    history.router,
    agents.router,
    executions.router,
    trials.router,
    executions.of_streams,
    events.router,
    streams.router,
    stream_items.router,
    stream_agents.router,
    signals.router,
    drafts.router,
    companies.router,
    people.router,
    notifications.router,
    costs.router,
    outside.router,
)


def build_application(state: ApiState) -> Application:
    """The ASGI application. The OpenAPI file is at /openapi.json."""
    app = Application(
        title="oppspot_runner",
        version=package_version(),
        docs_url=None,
        redoc_url=None,
    )
    app.state.api = state
    requests = RequestCounts()
    measure = partial(_measure, app, requests)
    measure(state)
    state.at_begin.append(measure)
    for router in ROUTERS:
        app.add(router)
    mount(app)
    app.middleware_stack = in_front_of(app, state, requests)
    return app


def _measure(app: Application, requests: RequestCounts, state: ApiState) -> None:
    app.state.metrics = build_metrics(state.database, requests, state.runner)
