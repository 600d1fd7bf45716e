"""The dashboard as people have it: a real daemon that serves it, on a database with a past."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from oppspot_runner.db.migrate import migrate
from oppspot_runner.db.pool import Database
from oppspot_runner.testing.world import World
from tests.browser.world import furnish
from tests.conftest import create_database, drop_database
from tests.daemon.conftest import Fleet
from tests.warm import Warmer

FIRST_PAGE_S = 40.0
CHROMIUM = Path("/usr/bin/chromium")
# As root and without a network; nothing is asked that is not ours.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]


@dataclass(frozen=True)
class Site:
    """Where it is, and a way to look into its database."""

    url: str
    fleet: Fleet

    def id_of(self, agent: str) -> Any:
        """The newest task of an agent."""
        return self.fleet.one(
            "SELECT t.id FROM agent_tasks t JOIN ai_agents a ON a.id = t.agent_id "
            "WHERE a.name = %s ORDER BY t.id DESC LIMIT 1",
            (agent,),
        )["id"]


@contextmanager
def running_site(server: str, folder: Path, warmer: Warmer) -> Iterator[Site]:
    """A site on a new database of `server`, with a world outside that is ours too."""
    name = f"oppspot_browser_{uuid4().hex[:8]}"
    dsn = create_database(server, name)
    with World(now=datetime.now(UTC)) as world:
        asyncio.run(_prepare(dsn, world, folder))
        fleet = Fleet(dsn, folder, warmer)
        try:
            yield _start(fleet, world)
        finally:
            fleet.end()
    drop_database(name)


async def _prepare(dsn: str, world: World, folder: Path) -> None:
    async with Database(dsn) as database:
        await migrate(database)
        await furnish(database, world, folder)


def _start(fleet: Fleet, world: World) -> Site:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    asked = ("--import", "tests.browser.agents", "--http", str(port))
    fleet.start(*asked, OPPSPOT_GRACE="1", **world.settings())
    url = f"http://127.0.0.1:{port}"
    # The first page reads the templates, beside tests that keep the processors busy.
    fleet.until(lambda: httpx2.get(f"{url}/", timeout=FIRST_PAGE_S).status_code == 200)
    return Site(url, fleet)
