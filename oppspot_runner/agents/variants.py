"""Variants of an agent, to see which one does better: `variants` in `ai_agents.configuration`.

The same stream, or the same value of a field of the payload, always gets the same variant, in every
runner and without anything being written down. A new variant takes its share of all others and
changes nothing between those.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from oppspot_runner.base.errors import ConfigurationError, Fail
from oppspot_runner.base.jsonsafe import dumps
from oppspot_runner.base.task import Task
from oppspot_runner.base.validation import unusable

# What the database reads from the row itself, before it is known which task will come.
OF_THE_ROW = frozenset(
    {
        "batch",
        "concurrency",
        "labels",
        "limit_key",
        "rate",
        "schedule",
        "task_type",
        "variants",
        "variants_by",
    }
)


class Variant(BaseModel):
    """One of them; its `configuration` is laid over that of the agent. `weight` is its share."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=50)
    weight: float = Field(1.0, ge=0, le=1e6, allow_inf_nan=False)
    configuration: dict[str, Any] = {}

    @field_validator("configuration")
    @classmethod
    def _only_what_code_reads(cls, given: dict[str, Any]) -> dict[str, Any]:
        if fixed := sorted(OF_THE_ROW & given.keys()):
            raise ValueError(f"{', '.join(fixed)} cannot differ between variants")
        return given


class Variants(BaseModel):
    """All of them. `variants_by` is `stream`, or a field of the payload, such as `item_id`."""

    model_config = ConfigDict(frozen=True)

    variants: tuple[Variant, ...] = Field(min_length=1, max_length=20)
    variants_by: str = Field("stream", min_length=1, max_length=100)

    @field_validator("variants")
    @classmethod
    def _can_be_chosen(cls, given: tuple[Variant, ...]) -> tuple[Variant, ...]:
        if len({one.name for one in given}) < len(given):
            raise ValueError("two of them have the same name")
        if not any(one.weight for one in given):
            raise ValueError("one of them needs a weight above 0")
        return given


def varied(task: Task) -> tuple[Task, str | None]:
    """`task` with the configuration of its variant, and the name of that; None where there is none.

    Raises Fail for variants that cannot be used.
    """
    agent = task.agent
    if agent is None or "variants" not in agent.configuration:
        return task, None
    try:
        all_ = read_variants(agent.configuration)
    except ConfigurationError as error:
        raise Fail(error.one_line()) from None
    one = chosen(all_.variants, f"{agent.id}/{_key(task, all_.variants_by)}")
    configuration = {**agent.configuration, **one.configuration}
    return replace(task, agent=replace(agent, configuration=configuration)), one.name


def read_variants(configuration: Mapping[str, Any]) -> Variants:
    """The variants in a configuration that has some. Raises ConfigurationError naming the key."""
    try:
        return Variants.model_validate(
            {key: configuration[key] for key in Variants.model_fields & configuration.keys()}
        )
    except ValidationError as error:
        raise unusable(error) from None


def chosen(variants: Sequence[Variant], key: str) -> Variant:
    """The variant of that key: each has its share of all keys, by weighted rendezvous hashing."""
    return max(variants, key=lambda one: one.weight / -math.log(_uniform(f"{one.name}/{key}")))


def _uniform(text: str) -> float:
    """A number above 0 and below 1, the same for the same text everywhere."""
    number = int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 11
    return float((number + 0.5) / 2**53)


def _key(task: Task, by: str) -> str:
    if by == "stream":
        stream_id = task.stream_id or task.payload.get("stream_id")
        return str(stream_id or task.id)
    return dumps(task.payload[by]) if by in task.payload else str(task.id)
