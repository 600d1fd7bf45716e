"""What only reads is found at once, and is what the router would find."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from oppspot_runner.api.application import build_application
from oppspot_runner.api.middleware.shortcut import Shortcut
from oppspot_runner.api.openapi import Application
from oppspot_runner.api.state import ApiState
from oppspot_runner.api.straight import Straight

PARTS = ("facets", "00000000-0000-0000-0000-000000000007", "a b", "{x}")


@pytest.fixture
def app(state: ApiState, monkeypatch: pytest.MonkeyPatch) -> Application:
    """Its routes answer nothing."""

    async def nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(Straight, "__call__", nothing)
    return build_application(state)


def _scope(path: str, method: str = "GET", root_path: str = "") -> Scope:
    return {"type": "http", "method": method, "path": root_path + path, "root_path": root_path}


def _addresses(app: Application) -> Iterator[str]:
    for route in app.known:
        for part in PARTS:
            yield re.sub(r"\{\w+(:\w+)?\}", part, route.path)
        yield from (f"{route.path}/", f"{route.path}/more")


def _of_router(app: Application, scope: Scope) -> APIRoute | None:
    """The route that only reads to which the router would lead."""
    found = (one for one in app.router.routes if one.matches(dict(scope))[0] is Match.FULL)
    route = next(found, None)
    return route if isinstance(route, APIRoute) and isinstance(route.app, Straight) else None


async def _of_shortcut(app: Application, scope: Scope) -> APIRoute | None:
    """The route to which the shortcut leads; None where it leaves a request to the framework."""
    left = []

    async def framework(*_: Any) -> None:
        left.append(scope)

    await Shortcut(framework, app.known)(scope, framework, framework)
    assert len(left) == ("route" not in scope)
    return scope.get("route")


async def test_it_leads_where_the_router_would(app: Application) -> None:
    reached = set()
    for path in dict.fromkeys(_addresses(app)):
        for method in ("GET", "POST"):
            scope = _scope(path, method)
            meant = _of_router(app, scope)
            assert await _of_shortcut(app, scope) is meant, path
            reached.add(None if meant is None else meant.path)
    assert reached == {None, *(one.path for one in app.known if isinstance(one.app, Straight))}


async def test_it_says_which_route_and_parts_were_meant(app: Application) -> None:
    for root_path in ("", "/runner"):
        scope = _scope("/api/v1/tasks/7", root_path=root_path)
        await _of_shortcut(app, scope)
        assert scope["path_params"] == {"task_id": "7"}
        assert scope["route"].path == "/api/v1/tasks/{task_id}"
