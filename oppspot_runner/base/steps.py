"""Words for the steps of an attempt: what is done once, however often the attempt is repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One call of a step: the `seq`-th of that `name` in its attempt, both from 0.

    `position` is its place among all calls of steps, None once several run at the same time: then
    there is no order. `fingerprint` stands for what the call is given; the same again is the same.
    """

    name: str
    seq: int
    position: int | None = None
    fingerprint: str | None = None

    def __str__(self) -> str:
        return f"{self.name}:{self.seq}" if self.seq else self.name


@dataclass(frozen=True)
class KeptStep:
    """A step that an earlier attempt finished, and what it returned."""

    step: Step
    result: Any
