"""Costs of a while that ends now, where nobody says since when."""

from __future__ import annotations

from datetime import datetime, timedelta

from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

CLOCK = statement("tasks/clock")

USUALLY = timedelta(days=30)


async def usual_since(database: Database) -> datetime:
    """30 days ago, by the clock of the database."""
    row = await database.fetch_one(CLOCK)
    assert row is not None
    now: datetime = row["now"]
    return now - USUALLY
