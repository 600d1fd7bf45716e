"""What a fault is: how it is decided, how it is done, and what it asks of the world around it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from tests.chaos.fleet import ROOT
from tests.chaos.world import World

Decision = dict[str, Any]


class Fault(ABC):
    """One kind of trouble. What it decides is drawn before anything runs, so a seed repeats it."""

    name: ClassVar[str]
    about: ClassVar[str]
    lease_s: ClassVar[float] = 3.0
    grace_s: ClassVar[float] = 5.0
    special: ClassVar[
        dict[str, int]
    ] = {}  # kinds of tasks beside the ordinary ones: how many in 100
    stop_s: ClassVar[float] = 20.0  # how long a stop may take beyond the grace time
    gentle: ClassVar[bool] = False  # no runner may be taken for dead by it
    networks: ClassVar[bool] = False  # wants a network for each runner, where that can be had
    durable: ClassVar[bool] = False  # wants a server that waits for the disk

    def missing(self) -> str | None:
        """Why it cannot be done here, if so."""
        return None

    def program(self, folder: Path) -> Path:
        """Where the runners' program is; one that is made for the trial is made in `folder`."""
        return ROOT

    def environment(self, folder: Path) -> dict[str, str]:
        """More settings for each runner; `folder` is that of the trial."""
        return {}

    async def prepare(self, world: World) -> None:  # noqa: B027 - most need nothing
        """Makes ready what it needs in a fresh database."""

    @abstractmethod
    def decide(self, chance: Random) -> Decision:
        """Draws one injection: what `inject` is called with."""

    @abstractmethod
    async def inject(self, world: World, *_: Any, **decision: Any) -> None:
        """Does it, and returns when it is over."""
