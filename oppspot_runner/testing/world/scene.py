"""What the sources of the world share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from oppspot_runner.testing.world.as_of import as_of
from oppspot_runner.testing.world.clock import WorldClock
from oppspot_runner.testing.world.content import Board, Content, RegisteredCompany
from oppspot_runner.testing.world.exchange import Reply, Request
from oppspot_runner.testing.world.limits import Counter, Limit


@dataclass
class Scene:
    """The content, the time, the address of the world, and the limits of who asks it.

    `boards` are those of now, by service and token.
    """

    content: Content
    clock: WorldClock
    url: str
    port: int
    limits: Mapping[str, Limit]
    boards: Mapping[tuple[str, str], Board]
    _counters: dict[str, Counter] = field(default_factory=dict)
    _registered: tuple[date, dict[str, RegisteredCompany]] | None = None

    @property
    def today(self) -> date:
        """The day in the world."""
        return self.clock.now.date()

    @property
    def companies(self) -> Mapping[str, RegisteredCompany]:
        """The companies of the register as they are today, by number."""
        today, known = self.today, self._registered
        if known is None or known[0] != today:
            there = (as_of(one, today) for one in self.content.companies)
            known = self._registered = today, {one.number: one for one in there if one}
        return known[1]

    def counter(self, name: str) -> Counter:
        """Counts the calls that share the limit `name`."""
        return self._counters.setdefault(name, Counter(self.limits[name]))

    def reset(self) -> None:
        """Forgets who asked how often."""
        for one in self._counters.values():
            one.reset()

    def host(self, name: str) -> str:
        """The address of a host of the world."""
        return f"http://{name}.localhost:{self.port}"


class Source(Protocol):
    """A service of the world: a module each, listed in world.py."""

    prefix: str

    def __init__(self, scene: Scene) -> None: ...

    def settings(self) -> Mapping[str, str]:
        """The variables that lead to it."""
        ...

    def answer(self, request: Request) -> Reply:
        """The right answer. Raises ValueError for parameters that make no sense."""
        ...
