"""What every measure is given: the server, how much to do, and whom to measure."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from benchmarks.server import Server
from benchmarks.sizes import Sizes


class Named(Protocol):
    """A contender, as far as the choice of contenders knows it."""

    name: str


Contender = TypeVar("Contender", bound=Named)


@dataclass(frozen=True)
class Bench:
    """One run of the command. `only` names the contenders to measure, empty means all."""

    server: Server
    sizes: Sizes
    rounds: int
    only: frozenset[str] = frozenset()
    profile: Path | None = None

    def wanted(self, contenders: Iterable[Contender]) -> list[Contender]:
        """Those that take part."""
        return [one for one in contenders if not self.only or one.name in self.only]

    def say(self, text: str) -> None:
        """Progress, for whoever waits."""
        print(text, file=sys.stderr, flush=True)
