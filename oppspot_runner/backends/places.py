"""All places where bodies can run, by the names that agents give as their isolation.

Ours, and those of installed packages: an entry point of the group `oppspot_runner.backends` is a
function that makes a backend of BackendSurroundings. One that cannot be used here raises
ConfigurationError, and its reason is told to agents that ask for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points

from oppspot_runner.backends.backend import Backend, BackendSurroundings, Place
from oppspot_runner.backends.driver import Driver, GoingOn
from oppspot_runner.backends.inline import Inline
from oppspot_runner.backends.judging import told
from oppspot_runner.backends.local import LocalBackend
from oppspot_runner.backends.processes import Processes
from oppspot_runner.backends.threads import Threads
from oppspot_runner.base.errors import Fail, OppspotError
from oppspot_runner.queue.handoffs import Adopted

ENTRY_POINT_GROUP = "oppspot_runner.backends"

Factory = Callable[[BackendSurroundings], Backend]


@dataclass
class Places:
    """The places of one runner. `unusable` says of others why they are none; `ended` is set when a
    body elsewhere has ended."""

    by_name: dict[str, LocalBackend | Driver]
    ended: asyncio.Event
    unusable: dict[str, str] = field(default_factory=dict)

    def find(self, isolation: str, adopted: Adopted | None = None) -> Place:
        """The place of that name; of a body that was adopted, where it is on already.

        Raises Fail with the known ones.
        """
        if adopted is not None:
            return GoingOn(self.outside()[adopted.backend], adopted.handle)
        try:
            return self.by_name[isolation]
        except KeyError:
            why = f" ({self.unusable[isolation]})" if isolation in self.unusable else ""
            known = ", ".join(self.by_name)
            raise Fail(f"this runner has no isolation {isolation!r}{why}; it has {known}") from None

    def outside(self) -> dict[str, Driver]:
        """The places outside of this process, whose bodies can outlive it."""
        return {name: one for name, one in self.by_name.items() if isinstance(one, Driver)}

    async def start(self) -> None:
        """Gets all ready. Raises what a backend raises that cannot start."""
        for place in self.by_name.values():
            await place.start()

    async def stop(self) -> None:
        """Ends bodies below this process, and lets go of the others."""
        for place in self.by_name.values():
            await place.stop()


def all_places(
    surroundings: BackendSurroundings,
    runner_id: Callable[[], int],
    factories: Mapping[str, Factory] | None = None,
) -> Places:
    """Our places, and those that `factories` make, by default those of installed packages."""
    local = {"inline": Inline(), "thread": Threads(), "process": Processes()}
    places = Places({**local}, surroundings.ended)
    for name, make in (_installed() if factories is None else factories).items():
        try:
            made = make(surroundings)
        except Exception as error:  # noqa: BLE001 - somebody else's package must not stop ours
            places.unusable[name] = _why(error)
            continue
        if isinstance(made, LocalBackend):
            places.by_name[name] = made
        else:
            places.by_name[name] = Driver(name, made, surroundings, runner_id)
    return places


def _installed() -> dict[str, Factory]:
    return {one.name: partial(_make, one) for one in entry_points(group=ENTRY_POINT_GROUP)}


def _make(entry: EntryPoint, surroundings: BackendSurroundings) -> Backend:
    made: Backend = entry.load()(surroundings)
    return made


def _why(error: Exception) -> str:
    return error.one_line() if isinstance(error, OppspotError) else told(error)
