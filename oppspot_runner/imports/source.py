"""What the pipeline wants of a source of companies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from oppspot_runner.imports.staging import StagedRow
from oppspot_runner.imports.tally import Tally

CSV_CONFIDENCE = 0.6
REGISTER_CONFIDENCE = 0.9


@dataclass(frozen=True)
class Reading:
    """A source that is open. `rows` come with the line where each began.

    `done` and `total` of `progress()` count `unit`; the total is None when it cannot be known.
    """

    rows: Iterator[tuple[int, StagedRow]]
    total: int | None
    unit: Literal["bytes", "rows"]
    done: Progress


class Progress(Protocol):
    """Says how much of a source has been read."""

    def __call__(self) -> int: ...


class Source(Protocol):
    """Rows of companies from one place. `name` marks companies and facts."""

    @property
    def name(self) -> str: ...

    @property
    def confidence(self) -> float:
        """From 0 to 1: how far its facts are trusted."""
        ...

    @property
    def keys_unique(self) -> bool:
        """Whether the source promises never to repeat a key, so that none need be remembered."""
        ...

    def open(self, tally: Tally) -> AbstractContextManager[Reading]:
        """Opens it. Raises InvalidInputError or ConfigurationError when it cannot be used."""
        ...
