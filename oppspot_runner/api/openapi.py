"""The OpenAPI file: that of FastAPI, with what each operation does and wants of a token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from oppspot_runner.api.in_query import InQuery
from oppspot_runner.api.routing import Routes
from oppspot_runner.base.actor import SCOPES, Scope

NO_TOKEN = "none"  # noqa: S105 - the word for operations that want none
ABOUT = """Tasks, agents, streams and what came of them.

Every operation says in `x-scope` what the token must reach: each scope of metrics, read, run, admin
may what those before it may. Errors have one shape and stable codes.
"""


class Application(FastAPI):
    """A FastAPI application whose OpenAPI file tells scopes. `known` are all its own routes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.known: list[APIRoute] = []

    def add(self, router: Routes) -> None:
        """Adds the routes of a router."""
        self.router.routes.extend(router.routes)
        self.known += [route for route in router.routes if isinstance(route, APIRoute)]

    def openapi(self) -> dict[str, Any]:
        """The file; made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _file(self)
        return self.openapi_schema


def scope_of(route: APIRoute) -> Scope | None:
    """The greatest scope that a route wants; None where it wants no token."""
    wanted = list(_scopes(route.dependant))
    return max(wanted, key=SCOPES.index) if wanted else None


def _scopes(dependant: Dependant) -> Iterator[Scope]:
    scope: Scope | None = getattr(dependant.call, "scope", None)
    if scope is not None:
        yield scope
    for one in dependant.dependencies:
        yield from _scopes(one)


def _file(app: Application) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
    schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["token"] = {"type": "http", "scheme": "bearer"}
    for route in app.known:
        if route.include_in_schema:
            for method in route.methods or ():
                _describe(schema["paths"][route.path_format][method.lower()], route)
    return schema


def _describe(operation: dict[str, Any], route: APIRoute) -> None:
    for one in route.dependant.dependencies:
        if isinstance(one.call, InQuery):
            operation.setdefault("parameters", []).extend(one.call.parameters())
    scope = scope_of(route)
    operation["x-scope"] = scope or NO_TOKEN
    operation["security"] = [{"token": []}] if scope else []
    first, _, rest = operation.pop("description", route.name).partition("\n\n")
    operation["summary"] = " ".join(first.split()).rstrip(".")
    if rest:
        operation["description"] = rest
