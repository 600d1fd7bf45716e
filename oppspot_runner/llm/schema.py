"""Whether an answer is JSON that fits the schema which was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.llm.errors import OutputSchemaError
from oppspot_runner.llm.messages import JsonObject

MOST_SHOWN = 200


def parsed_output(text: str, schema: JsonObject) -> Any:
    """The JSON in an answer. Raises OutputSchemaError that names the place that does not fit."""
    try:
        value = json.loads(_bare(text))
    except ValueError as error:
        raise OutputSchemaError(f"the answer is not JSON: {error}", answer=text) from None
    fault = next(iter(_validator(schema).iter_errors(value)), None)
    if fault is not None:
        place = "/".join(str(part) for part in fault.absolute_path) or "the answer"
        told = fault.message[:MOST_SHOWN]
        raise OutputSchemaError(f"{place} does not fit: {told}", answer=text)
    return value


def check_schema(schema: JsonObject) -> None:
    """Raises ConfigurationError when this is not a JSON Schema that can be used."""
    jsonschema = import_module("jsonschema")  # here, because most runs ask for no schema
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        place = "/".join(str(part) for part in error.absolute_path) or "its top"
        raise ConfigurationError(
            f"the output schema is no JSON Schema: at {place}: {error.message[:MOST_SHOWN]}"
        ) from None
    _check_references(schema)


def _bare(text: str) -> str:
    """The text without the fence that some models put around JSON."""
    lines = text.strip().splitlines()
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1] == "```":
        return "\n".join(lines[1:-1])
    return text


def _validator(schema: JsonObject) -> Any:
    check_schema(schema)
    # The registry is empty on purpose: nothing is ever fetched.
    registry = import_module("referencing").Registry()
    return import_module("jsonschema").Draft202012Validator(schema, registry=registry)


def _check_references(schema: JsonObject) -> None:
    referencing = import_module("referencing")
    whole = import_module("referencing.jsonschema").DRAFT202012.create_resource(schema)
    resolver = referencing.Registry().with_resource("", whole).resolver()
    for reference in _references(schema):
        try:
            resolver.lookup(reference)
        except referencing.exceptions.Unresolvable:
            raise ConfigurationError(
                f"the output schema refers to {reference[:MOST_SHOWN]!r}, which is not in it",
                hint="Put what it refers to under $defs.",
            ) from None


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _references(one)
    elif isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference
        for one in value.values():
            yield from _references(one)
