"""Kinds of values that bodies and answers of many endpoints have."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator, BeforeValidator

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.jsonsafe import clean
from oppspot_runner.base.payload import plain_text
from oppspot_runner.base.redact import redact

MOST_WORDS = 200


def _shown(value: Any) -> Any:
    return clean(redact(value))


def _text(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return plain_text(value, "it")
    except InvalidInputError as error:
        raise ValueError(str(error)) from None


# JSON of any shape as it may be shown: without secrets, and without what JSON cannot hold.
Shown = Annotated[Any, BeforeValidator(_shown)]
# An object of any keys, as it may be shown.
ShownObject = Annotated[dict[str, Any], BeforeValidator(_shown)]
# A text that a column can hold.
Text = Annotated[str, AfterValidator(_text)]
# What somebody looks for.
Words = Annotated[str | None, Query(max_length=MOST_WORDS), AfterValidator(_text)]
