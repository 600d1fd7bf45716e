"""Requests to every address that the application knows, with the ids of somebody in all places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from oppspot_runner.api.openapi import Application, scope_of
from oppspot_runner.base.actor import Scope

# Of which row of the planting a value of that name is.
NAMES = {
    "agent": "agent", "root": "agent", "scope_id": "agent", "key": "agent", "stream": "stream",
    "run": "run", "task": "task", "execution": "execution", "schedule": "schedule",
    "signal": "signal", "draft": "draft", "company": "company", "rule": "rule", "token": "token",
    "person": "person", "assignment": "assignment", "org": "org", "id": "task", "parent": "agent",
    "root_agent": "agent", "depends_on_agent": "agent", "from_agent": "agent",
}  # fmt: skip
PLAIN: dict[str, Any] = {
    "scope": "agent", "runner_id": 1, "fingerprint": "x", "period": "total", "wait": 0,
    "concurrency": 3, "reason": "because",
}  # fmt: skip
ENDLESS = ("/api/v1/changes",)


@dataclass
class Request:
    """One request; `scope` is what its address wants."""

    method: str
    url: str
    scope: Scope | None
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.url} {self.options}"


def requests_with(app: Application, ids: dict[str, Any]) -> Iterator[Request]:
    """For each address one with ids wherever some fit; lists are asked without any too."""
    file = app.openapi()
    for route in app.known:
        if route.path in ENDLESS:
            continue
        for method in sorted(route.methods or ()):
            for is_full in (False, True) if method == "GET" else (True,):
                yield _request(route, method, ids, file, is_full)


def _request(
    route: APIRoute, method: str, ids: dict[str, Any], file: dict[str, Any], is_full: bool
) -> Request:
    queries = _fields(route.dependant, "query_params")
    paths = _fields(route.dependant, "path_params")
    path = {name: _value(name, kind, ids) for name, kind in paths.items()}
    url = route.path_format.format(**path)
    query = {}
    for name, kind in queries.items():
        if name == "wait" or (is_full and _kind(name) is not None):
            query[name] = str(_value(name, kind, ids))
        elif is_full and name in ("q", "words", "text"):
            query[name] = "mark"
    options: dict[str, Any] = {"params": query}
    if method not in ("GET", "DELETE"):
        options |= _sent(route, method, ids, file, is_full)
    return Request(method, url, scope_of(route), options)


def _sent(
    route: APIRoute, method: str, ids: dict[str, Any], file: dict[str, Any], is_full: bool
) -> dict[str, Any]:
    if not route.include_in_schema:
        names = _fields(route.dependant, "body_params")
        return {"data": {name: str(_value(name, kind, ids)) for name, kind in names.items()}}
    body = file["paths"][route.path_format][method.lower()].get("requestBody")
    if body is None:
        return {}
    schema = next(iter(body["content"].values()))["schema"]
    return {"json": _made(schema, "", ids, file, is_full)}


def _made(schema: Any, name: str, ids: dict[str, Any], file: dict[str, Any], is_full: bool) -> Any:
    for ref in schema.get("anyOf", ()):
        if ref.get("type") != "null":
            return _made(ref, name, ids, file, is_full)
    if "$ref" in schema:
        found = file["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return _made(found, name, ids, file, is_full)
    if _kind(name) is not None and schema.get("type") == "string":
        return str(_value(name, None, ids))
    if "enum" in schema or "const" in schema:
        return PLAIN.get(name, schema.get("const", schema.get("enum", [None])[0]))
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", ())
            return {
                key: _made(one, key, ids, file, is_full)
                for key, one in schema.get("properties", {}).items()
                if is_full or key in wanted
            }
        case "array":
            return [_made(schema.get("items", {}), name.removesuffix("s"), ids, file, is_full)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
    return PLAIN.get(name, "text")


def _fields(dependant: Dependant, which: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in getattr(dependant, which):
        kind = one.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= {key: info.annotation for key, info in kind.model_fields.items()}
        else:
            found[one.alias] = kind
    for other in dependant.dependencies:
        found |= _fields(other, which)
    return found


def _kind(name: str) -> str | None:
    for end in ("", "_id", "_ids", "s"):
        if name.endswith(end) and name.removesuffix(end) in NAMES:
            return NAMES[name.removesuffix(end)]
    return None


def _value(name: str, kind: Any, ids: dict[str, Any]) -> Any:
    if (known := _kind(name)) is not None:
        return ids.get(known)
    words = [one for one in get_args(kind) if isinstance(one, str)]
    return PLAIN.get(name, words[0] if words else "text")
