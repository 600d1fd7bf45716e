"""Answers of models as steps and the cache keep them.

A step also keeps one that was paid although it fits no schema. That is an answer for later attempts
that go on where this one was cut off. After an attempt that ended with an error the model is asked
anew, unless who asked goes on with such answers.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter

from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.llm.errors import OutputSchemaError
from oppspot_runner.llm.messages import JsonObject, ModelRequest, Reply


def kept_answer(reply: Reply) -> JsonObject:
    """An answer as a JSON object that Postgres takes."""
    kept: JsonObject = clean(_form().dump_python(reply, mode="json"))
    return kept


def kept_fault(error: OutputSchemaError, retries: int) -> JsonObject:
    """An answer that fits no schema, of a task that has had so many retries."""
    assert error.reply is not None
    return {**kept_answer(error.reply), "fault": clean(str(error)), "retries": retries}


def is_usable(kept: JsonObject, retries: int) -> bool:
    """Whether it still counts for a task that has had so many retries."""
    return "fault" not in kept or kept["retries"] == retries


def answer_of(kept: JsonObject) -> Reply:
    """What was answered. Raises OutputSchemaError as it was, and pydantic.ValidationError."""
    reply: Reply = _form().validate_python(kept)
    if "fault" in kept:
        raise OutputSchemaError(kept["fault"], answer=reply.text, reply=reply, usage=reply.usage)
    return reply


def fingerprint(model: str, request: ModelRequest) -> str:
    """The same for what is asked in the same words of the same model, and else another one."""
    asked = clean([model, replace(request, timeout_s=0.0, cached_for_s=None)])
    return sha256(dumps(asked).encode()).hexdigest()[:32]


@cache
def _form() -> TypeAdapter[Any]:
    return TypeAdapter(Reply)
