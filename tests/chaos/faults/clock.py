"""The clock of the runners' processes jumps an hour: only the database's clock may count."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

from tests.chaos.fault import Decision, Fault
from tests.chaos.world import World


def library() -> Path | None:
    return next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


class Clock(Fault):
    name = "clock"
    about = "the clock of the runners' processes jumps an hour forth or back"

    def missing(self) -> str | None:
        return (
            None
            if library()
            else "libfaketime is not installed (Debian: apt-get install libfaketime)"
        )

    def environment(self, folder: Path) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file(folder)),
            "FAKETIME_CACHE_DURATION": "1",
            # A clock that somebody sets moves, the monotonic one does not.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    async def prepare(self, world: World) -> None:
        self._file(world.folder).write_text("+0s")

    def decide(self, chance: Random) -> Decision:
        return {
            "jump_s": chance.choice([-3600, 3600]),
            "hold_s": round(chance.uniform(1, 2.5), 2),
            "back": chance.choice([True, False]),
        }

    async def inject(self, world: World, jump_s: int, hold_s: float, back: bool) -> None:
        self._file(world.folder).write_text(f"{jump_s:+d}s")
        await asyncio.sleep(hold_s)
        if back:
            self._file(world.folder).write_text("+0s")

    def _file(self, folder: Path) -> Path:
        return folder / "clock"
