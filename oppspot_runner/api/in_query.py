"""Filters that are read from the query of a request, many fields at once."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, get_origin

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


class InQuery(Generic[M]):
    """A dependency: a model whose fields are parameters of the query.

    FastAPI reads such models too, but finds out anew for each request what kind each field is:
    that took an eighth of the time of a list. Refuses what FastAPI would, in the same words.
    """

    def __init__(self, model: type[M]) -> None:
        self.model = model
        fields = model.model_fields.items()
        self._lists = {name for name, field in fields if get_origin(field.annotation) is list}

    async def __call__(self, request: Request) -> M:
        """The model of a request. Raises RequestValidationError."""
        query = request.query_params
        given = {
            name: query.getlist(name) if name in self._lists else value
            for name, value in query.items()
        }
        try:
            return self.model.model_validate(given)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            raise RequestValidationError(
                [{**fault, "loc": ("query", *fault["loc"])} for fault in faults]
            ) from None

    def parameters(self) -> list[dict[str, Any]]:
        """Its fields as the OpenAPI file tells of them."""
        schema = self.model.model_json_schema()
        needed = schema.get("required", ())
        return [
            _parameter(name, field, required=name in needed)
            for name, field in schema["properties"].items()
        ]


def _parameter(name: str, field: dict[str, Any], *, required: bool) -> dict[str, Any]:
    shown = {key: value for key, value in field.items() if (key, value) != ("default", None)}
    told = {"description": field["description"]} if "description" in field else {}
    return {"name": name, "in": "query", "required": required, "schema": shown, **told}
