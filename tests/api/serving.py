"""The application on a real socket, in a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from oppspot_runner.agents.registry import registry
from oppspot_runner.api.listening import address_of, listen
from oppspot_runner.api.serving import serving as served
from oppspot_runner.api.state import ApiState
from oppspot_runner.app.wiring import load_agents
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database


@contextmanager
def serving(dsn: str, **settings: object) -> Iterator[str]:
    """Serves the database `dsn` with open access; the address, as http://127.0.0.1:PORT."""
    started, ended = threading.Event(), threading.Event()
    found: list[str] = []

    async def serve() -> None:
        told = Settings(_env_file=None, **settings)  # type: ignore[arg-type]
        load_agents(registry, told)
        async with Database(dsn, max_size=8) as database:
            state = ApiState(database, told, registry, open_access=True)
            listening = listen("127.0.0.1:0")
            found.append(address_of(listening))
            async with served(state, listening):
                started.set()
                await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(30)
    try:
        yield found[0]
    finally:
        ended.set()
        thread.join()
