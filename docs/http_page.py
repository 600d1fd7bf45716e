"""Writes `reference/http.md` from the OpenAPI file of the application."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oppspot_runner.agents.registry import Registry
from oppspot_runner.api.application import build_application
from oppspot_runner.api.errors import ApiCode
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database

HTTP = """# HTTP

{note}
Served by `oppspot-runner start --http HOST:PORT` and `oppspot-runner serve`.
The same for programs is at `/openapi.json`. Behind each operation stands what a token must reach: each
of the scopes metrics, read, run, admin may what those before it may. Fields in *italics* may be left out
of a request. A page of a list is `items` and `next_cursor`, which `cursor` takes; `limit` is at most 200.

## Errors

Every error has the body `{{"success": false, "error", "tool_name", "code", "timestamp"}}`. A code never
changes its meaning. Where a model or a tool was called at once, the code may be one of
[those](codes.md), with status 422.

| code | status | what it means |
|---|---|---|
{codes}
{sections}"""
PAGE = Path(__file__).resolve().parent / "reference" / "http.md"
NOTE = "<!-- Made by docs/http_page.py from the code; change it there. -->\n"
METHODS = ("get", "post", "put", "patch", "delete")
Schema = dict[str, Any]


def http_page() -> str:
    """The text of the page."""
    database = Database("postgresql://nobody@localhost/none")  # never opened
    schema = build_application(ApiState(database, Settings(), Registry())).openapi()
    codes = "".join(f"| `{one.name}` | {one.status} | {one.meaning} |\n" for one in ApiCode)
    sections = "\n".join([*_sections(schema), _shapes(schema)])
    return HTTP.format(note=NOTE, codes=codes, sections=sections)


def _sections(schema: Schema) -> Iterator[str]:
    by_tag: dict[str, list[str]] = {}
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                tag = operation.get("tags", ["others"])[0]
                by_tag.setdefault(tag, []).append(_operation(schema, method, path, operation))
    for tag in sorted(by_tag):
        yield f"## {tag.capitalize()}\n\n" + "\n".join(by_tag[tag])


def _operation(schema: Schema, method: str, path: str, operation: Schema) -> str:
    lines = [f"### `{method.upper()} {path}`", "", f"{operation['summary']}. Scope: {operation['x-scope']}."]
    if "description" in operation:
        lines += ["", " ".join(operation["description"].split())]
    parameters = [_parameter(one) for one in operation.get("parameters", ()) if one["in"] != "path"]
    if parameters:
        lines += ["", "Parameters: " + "; ".join(parameters)]
    for title, content in (("Body", operation.get("requestBody", {})), ("Answer", _good(operation))):
        shape = _shape(schema, content)
        if shape:
            lines += ["", f"{title}: {shape}"]
    return "\n".join(lines) + "\n"


def _good(operation: Schema) -> Schema:
    return next((one for code, one in operation["responses"].items() if code.startswith("2")), {})


def _parameter(one: Schema) -> str:
    name = f"`{one['name']}`" if one["required"] else f"*`{one['name']}`*"
    header = " (header)" if one["in"] == "header" else ""
    told = one.get("description") or one["schema"].get("description")
    return f"{name}{header} {_type(one['schema'])}" + (f", {_sentence(told)}" if told else "")


def _shape(schema: Schema, content: Schema) -> str:
    kinds = content.get("content", {})
    json = kinds.get("application/json", {}).get("schema")
    if json is None or json == {}:
        return ", ".join(f"`{kind}`" for kind in kinds)
    found = _resolved(schema, json)
    if "properties" not in found:
        return _type(json)
    required = set(found.get("required", ())) if content.get("required") else set(found["properties"])
    return _fields(found, required)


def _fields(shape: Schema, required: set[str]) -> str:
    fields = []
    for name, field in shape["properties"].items():
        shown = f"`{name}`" if name in required else f"*`{name}`*"
        told = field.get("description")
        fields.append(f"{shown} {_type(field)}" + (f", {_sentence(told)}" if told else ""))
    return "; ".join(fields)


def _shapes(schema: Schema) -> str:
    """What is named as a type of a field."""
    known = schema["components"]["schemas"]
    named = {ref for shape in known.values() for ref in _named(shape.get("properties", {}))}
    lines = [
        f"- **{name}**: {_fields(known[name], set(known[name]['properties']))}"
        if "properties" in known[name]
        else f"- **{name}**: {_type(known[name])}"
        for name in sorted(named)
    ]
    return "## Shapes\n\n" + "\n".join(lines) + "\n"


def _named(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"].rpartition("/")[2]
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from _named(one)


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def _resolved(schema: Schema, part: Schema) -> Schema:
    while "$ref" in part:
        part = schema["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    return part


def _type(part: Schema) -> str:
    if "$ref" in part:
        return str(part["$ref"].rpartition("/")[2])
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(_type(one) for one in part["anyOf"]))
    if "enum" in part:
        return " / ".join(f"`{value}`" for value in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    if part.get("type") == "array":
        return f"list of {_type(part.get('items', {}))}"
    return str(part.get("format") or part.get("type") or "any")


if __name__ == "__main__":
    PAGE.write_text(http_page(), encoding="utf-8")
