"""Looks after tables that outgrow the plans of their statements."""

from __future__ import annotations

import asyncio

from oppspot_runner.db.outgrown import analyze_outgrown
from oppspot_runner.db.pool import DATABASE_AWAY, DATABASE_ERROR, Database
from oppspot_runner.runner.wakeup import jittered

ENDS = 100  # between two looks: fewer tasks do not make a small table a large one
APART_S = 1.0
REST_S = 60.0  # after a look that failed: autovacuum comes by meanwhile


class Growth:
    """Has tables analyzed that were small when the server last looked at them, and grew.

    On a young installation the first burst of tasks would otherwise read whole tables for each of
    them, until autovacuum comes by. It looks while tasks end: an idle runner asks nothing.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._ends = 0
        self._enough = asyncio.Event()

    def note_end(self) -> None:
        """An attempt ended, and left rows."""
        self._ends += 1
        if self._ends >= ENDS:
            self._enough.set()

    async def run(self) -> None:
        """Looks after every hundred ends, once a second at most, until cancelled.

        Tasks do well without it, only slower: whatever goes wrong here is left for a minute.
        """
        while True:
            await self._enough.wait()
            self._ends = 0
            self._enough.clear()
            try:
                await analyze_outgrown(self.database)
            except (DATABASE_ERROR, *DATABASE_AWAY):
                await asyncio.sleep(jittered(REST_S))
            else:
                await asyncio.sleep(jittered(APART_S))
