"""Lists of JSON in columns that anybody may write: what fits its model is read, no more."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


def fitting(model: type[M], stored: object) -> list[M]:
    """The entries of a list that are of the model's shape, in their order; none of what is no list.

    What does not fit is left out: one odd entry must not hide all others, nor the rows beside it.
    """
    found = []
    for entry in stored if isinstance(stored, list) else ():
        with suppress(ValidationError):
            found.append(model.model_validate(entry))
    return found
