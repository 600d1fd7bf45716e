"""How many calls of a tool or a source are let through in a while, counted for all runners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.db.through import Through, at_once

TAKE = statement("tools/take")
HOLD = statement("tools/hold")
END_HOLD = statement("tools/end_hold")


class CallRate(Protocol):
    """At most `max_calls` in any `window_s` seconds."""

    @property
    def max_calls(self) -> int: ...

    @property
    def window_s(self) -> float: ...


@dataclass(frozen=True)
class SharedCallLimiter:
    """Counts calls in the database, exactly: in no window are there more than the limit."""

    database: Database
    through: Through = at_once

    async def take(self, key: str, limit: CallRate) -> float:
        """0 when the call may be made, which counts it; else the seconds until the next may."""
        params = {"key": key, "most": limit.max_calls, "window_s": float(limit.window_s)}
        row = await self.through(lambda: self.database.fetch_one(TAKE, params))
        assert row is not None
        return float(row["wait_s"])

    async def hold(self, key: str, limit: CallRate, hold_s: float) -> None:
        """Lets no call through for so many seconds, or longer where that was said already."""
        params = {"key": key, "window_s": float(limit.window_s), "hold_s": hold_s}
        await self.through(lambda: self.database.execute(HOLD, params))

    async def release(self, key: str) -> bool:
        """Ends what `hold` began; False where nothing was held."""
        found = await self.through(lambda: self.database.fetch_one(END_HOLD, {"key": key}))
        return found is not None
