"""Looks again and again for `status --watch`, and shows each look until Ctrl-C."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from rich.live import Live

from oppspot_runner.app.status import Status, nothing, read_status
from oppspot_runner.base.settings import Settings
from oppspot_runner.cli import output
from oppspot_runner.cli.status_screen import LOOK_S, MOST_SCHEDULES, Coming, Rates, Screen
from oppspot_runner.db.pool import DATABASE_AWAY, Database
from oppspot_runner.scheduler import schedules

SCHEDULES_S = 30.0  # they change seldom, and there may be thousands


class Watch:
    """What is known from one look to the next. `notes` makes sentences of a status."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        name: str,
        notes: Callable[[Status], Iterable[str]],
    ) -> None:
        self.database = database
        self.settings = settings
        self.name = name
        self.notes = notes
        self.rates = Rates()
        self._found = nothing(settings)
        self._coming: Coming = ()
        self._coming_at = float("-inf")

    async def look(self) -> Screen:
        """The screen of now. While the database is away it is the last one, and says so."""
        trouble = ""
        try:
            self._found = await read_status(self.database, self.settings)
            self.rates.look(self._found.stats, time.monotonic())
            await self._look_at_schedules()
        except DATABASE_AWAY as error:
            trouble = f"the database does not answer, this is old: {error}"
        return Screen(
            self._found,
            self.rates,
            self.name,
            self._coming,
            list(self.notes(self._found)),
            trouble,
        )

    async def _look_at_schedules(self) -> None:
        if time.monotonic() - self._coming_at < SCHEDULES_S:
            return
        self._coming_at = time.monotonic()
        known = await schedules.list_schedules(self.database)
        first = schedules.first_coming(known, MOST_SCHEDULES)
        self._coming = [(due, one.name) for due, one in first]


async def watch(
    database: Database,
    settings: Settings,
    name: str,
    notes: Callable[[Status], Iterable[str]],
) -> None:
    """Until it is interrupted; then the terminal is as it was."""
    shown = Watch(database, settings, name, notes)
    with Live(console=output.console(), screen=True, auto_refresh=False) as live:
        while True:
            live.update(await shown.look(), refresh=True)
            await asyncio.sleep(LOOK_S)
