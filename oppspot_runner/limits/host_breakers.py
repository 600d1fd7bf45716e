"""Breakers of hosts: one that does not answer is left alone for a while, by all runners."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.rows import DictRow

from oppspot_runner.base.jsonsafe import clean_text
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.db.through import Through, at_once

ADMIT = statement("outside/admit")
COUNT = statement("outside/count_failure")
MEND = statement("outside/mend")
LIST = statement("outside/open_breakers")
FORGET = statement("outside/forget_failures")

FAILURES = 5  # in a row
OPEN_S = 60.0
MOST_ERROR = 500  # characters


@dataclass(frozen=True)
class HostBreakers:
    """Opens after so many failures of a host in a row, whichever runner called it.

    Then nobody calls it for `open_s` seconds; after that a single call is let through, and decides.
    """

    database: Database
    through: Through = at_once
    failures: int = FAILURES
    open_s: float = OPEN_S

    async def admit(self, source: str, host: str) -> float | None:
        """Seconds until the host may be called, 0: now; None: now, and no failure is known.

        Who is let through says how it ended, by `failed` or `mended`.
        """
        params = {"source": source, "host": host}
        row = await self.through(lambda: self.database.fetch_one(ADMIT, params))
        return None if row is None or row["wait_s"] is None else float(row["wait_s"])

    async def failed(self, source: str, host: str, error: str) -> None:
        """Counts a call without an answer."""
        params = {
            "source": source,
            "host": host,
            "most": self.failures,
            "open_s": self.open_s,
            "error": clean_text(error, most=MOST_ERROR),
        }
        await self.through(lambda: self.database.execute(COUNT, params))
        await self.through(lambda: self.database.execute(FORGET))

    async def mended(self, source: str, host: str) -> None:
        """Closes the breaker: the host answers."""
        params = {"source": source, "host": host}
        await self.through(lambda: self.database.execute(MEND, params))


async def open_host_breakers(database: Database) -> list[DictRow]:
    """Hosts that nobody calls after failures in a row, those first that are so longest."""
    return await database.fetch_all(LIST)


async def close(database: Database, host: str) -> bool:
    """Lets all calls of the host through again; False: it was not open."""
    rows = await database.fetch_all(MEND, {"source": None, "host": host})
    return any(row["opened_at"] is not None for row in rows)
