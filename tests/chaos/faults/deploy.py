"""Rolling deploys without a pause: a new runner starts, an old one is told to stop."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from tests.chaos.fault import Decision, Fault
from tests.chaos.world import World


class Deploy(Fault):
    name = "deploy"
    about = "a new runner starts, the oldest gets SIGTERM, now and then twice"
    # Nothing may be rescued here: what a stop leaves is given back by the one that stops.
    gentle = True
    lease_s = 30.0
    grace_s = 0.3
    special: ClassVar[dict[str, int]] = {"lingers": 10}

    def decide(self, chance: Random) -> Decision:
        return {"twice": chance.choice([True, False, False])}

    async def inject(self, world: World, twice: bool) -> None:
        oldest = world.fleet.living()[0]
        await world.fleet.start()
        world.fleet.stop(oldest)
        if twice:
            world.fleet.stop(oldest)
