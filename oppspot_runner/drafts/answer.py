"""Reads the answer of a model strictly: one JSON object with four keys, and nothing said twice."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any

from pydantic import ValidationError

from oppspot_runner.base.validation import first_fault
from oppspot_runner.drafts.faults import Fault
from oppspot_runner.drafts.sheet import Draft

MOST_ANSWER = 20_000  # characters
FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL | re.IGNORECASE)
KEYS = frozenset(Draft.model_fields)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "subject": {"type": "string"},
        "body": {"type": "string"},
        "claims": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "fact_ids": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["text", "fact_ids"],
                "additionalProperties": False,
            },
        },
        "cta": {"type": "string"},
    },
    "required": ["subject", "body", "claims", "cta"],
    "additionalProperties": False,
}


class _TwiceError(ValueError):
    """A key stands in an object twice."""


def read_answer(text: str, checks: Collection[str]) -> tuple[Draft | None, list[Fault]]:
    """The draft in an answer, and what is wrong with its form. Without a form there is no draft."""
    if "size" in checks and len(text) > MOST_ANSWER:
        return None, [Fault("size", f"{len(text)} characters, {MOST_ANSWER} at most")]
    fenced = FENCE.fullmatch(text)
    try:
        value = json.loads(
            fenced[1] if fenced else text,
            object_pairs_hook=_once if "duplicate" in checks else dict,
            parse_constant=_refused,
        )
    except _TwiceError as error:
        return None, [Fault("duplicate", str(error))]
    except (ValueError, RecursionError) as error:
        return None, [Fault("json", str(error)[:200])]
    if not isinstance(value, dict):
        return None, [Fault("json", "it is no object")]
    extra = sorted(value.keys() - KEYS)
    if extra and "extra" in checks:
        return None, [Fault("extra", ", ".join(extra)[:200])]
    try:
        known = {key: value[key] for key in KEYS & value.keys()}
        return Draft.model_validate_json(json.dumps(known), strict=True), []
    except ValidationError as error:
        return None, [Fault("shape", first_fault(error)[:200])]


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for key in keys if keys.count(key) > 1)[:200])
    return found


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
