"""Answers whose shape may change: what is required is checked, what is new is ignored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from oppspot_runner.base.errors import MalformedAnswerError
from oppspot_runner.base.web import Answer

M = TypeVar("M", bound=BaseModel)


def whole(model: type[M], answer: Answer) -> M:
    """The answer as `model`. Raises MalformedAnswerError naming what does not fit."""
    try:
        return model.model_validate(answer.json())
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"])) or "the whole"
        raise MalformedAnswerError(
            f"{answer.source} answered in another shape than is known: {place}",
            source=answer.source,
            status=answer.status,
        ) from None


def each(model: type[M], items: Iterable[Any]) -> tuple[list[M], int]:
    """The items as `model`, without those that lack something required, and how many those are."""
    read, drifted = [], 0
    for item in items:
        try:
            read.append(model.model_validate(item))
        except ValidationError:
            drifted += 1
    return read, drifted


def read_object(answer: Answer) -> dict[str, Any]:
    """The answer as a JSON object. Raises MalformedAnswerError for anything else."""
    data = answer.json()
    if not isinstance(data, dict):
        raise MalformedAnswerError.beginning(answer.source, answer.status, answer.content)
    return data
