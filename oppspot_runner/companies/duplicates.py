"""Companies whose names are so alike that somebody should look: suggestions, never merges.

Two names are alike when their words, sorted, agree in 90 of 100 parts (rapidfuzz). Only companies
of one place are compared, and in a large place only those whose sorted words begin alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import UUID

from oppspot_runner.base.errors import ConfigurationError

LEAST_ALIKE = 90.0
MOST_COMPARED = 500  # companies of a place that are all compared with each other
FIRST_LETTERS = (3, 6)  # by which a larger place is divided, and again


@dataclass(frozen=True, slots=True)
class Named:
    """A company with its normalised name and its number in a register, if it has one."""

    id: UUID
    name_norm: str
    company_number: str | None = None

    @property
    def words(self) -> str:
        """The words of the name in order."""
        return " ".join(sorted(self.name_norm.split()))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two companies that may be one. `likeness` is 90 to 100."""

    one: UUID
    other: UUID
    likeness: float


def alike(place: Sequence[Named]) -> Iterator[Pair]:
    """The pairs among companies of one place. Raises ConfigurationError without rapidfuzz.

    Companies with two numbers are two companies: only those without one are compared, with all.
    """
    fuzz, process = _rapidfuzz()
    for block in _blocks([(one.words, one) for one in place], FIRST_LETTERS):
        block.sort(key=lambda entry: entry[1].company_number is not None)
        words = [text for text, _ in block]
        for at, (text, one) in enumerate(block):
            if one.company_number is not None:
                break
            found = process.extract(
                text, words[at + 1 :], scorer=fuzz.ratio, score_cutoff=LEAST_ALIKE, limit=None
            )
            for _, likeness, behind in found:
                yield Pair(one.id, block[at + 1 + behind][1].id, round(likeness, 1))


def _blocks(
    named: list[tuple[str, Named]], letters: Sequence[int]
) -> Iterator[list[tuple[str, Named]]]:
    if len(named) <= MOST_COMPARED or not letters:
        yield named
        return
    parts: defaultdict[str, list[tuple[str, Named]]] = defaultdict(list)
    for entry in named:
        parts[entry[0][: letters[0]]].append(entry)
    for part in parts.values():
        yield from _blocks(part, letters[1:])


def _rapidfuzz() -> tuple[Any, Any]:
    try:
        return import_module("rapidfuzz.fuzz"), import_module("rapidfuzz.process")
    except ImportError:
        raise ConfigurationError(
            "names are compared by the package rapidfuzz, which is not installed",
            hint="pip install 'oppspot-runner[duplicates]'",
        ) from None
