"""One LISTEN connection that heals itself and knows whether it hears anything at all.

After LISTEN it sends itself a message from another session; only when that arrives is it `heard`.
Behind a pooler in transaction mode it never does. Later silence beyond `silence_s` means that the
connection is half-open: it is closed and opened again.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Literal

from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import DATABASE_AWAY, Connection, Database

Channel = Literal["oppspot_wake", "oppspot_events"]
LISTEN = {
    "oppspot_wake": statement("listen/listen"),
    "oppspot_events": statement("listen/listen_events"),
}
PROBE = statement("listen/probe")

PROBE_S = 2.0  # a message within one machine takes 1 ms, across a continent 0.3 s
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)
DEAF_RETRY_S = 60.0  # a pooler does not go away by asking it often


class Listener:
    """Calls `on_message(payload)` for what arrives; tells `on_heard` / `on_deaf` of its state.

    `address` is a payload that only this listener is sent; `silence_s` is how long it may hear
    nothing, given that somebody sends to `address` regularly.
    """

    def __init__(
        self,
        database: Database,
        *,
        address: str,
        silence_s: float,
        channel: Channel = "oppspot_wake",
        on_message: Callable[[str], None],
        on_heard: Callable[[Connection], Awaitable[None]],
        on_deaf: Callable[[str], Awaitable[None]],
    ) -> None:
        self.database = database
        self.address = address
        self.silence_s = silence_s
        self.channel = channel
        self.on_message = on_message
        self.on_heard = on_heard
        self.on_deaf = on_deaf
        self._heard_at = time.monotonic()

    @property
    def silent_for_s(self) -> float:
        """How long ago anything arrived, for whomever it was; may be asked from any thread."""
        return time.monotonic() - self._heard_at

    async def run(self) -> None:
        """Listens until cancelled; a database that is away is waited for."""
        failures = 0
        while True:
            try:
                heard = await self._listen_once()
                failures = 0 if heard else failures
                pause_s = RETRY_S[0] if heard else DEAF_RETRY_S
            except DATABASE_AWAY as error:
                await self._tell_deaf(f"the listening connection broke: {error}")
                pause_s = RETRY_S[min(failures, len(RETRY_S) - 1)]
                failures += 1
            # Jitter spreads the runners of a fleet; it is no secret.
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311

    async def _listen_once(self) -> bool:
        async with await self.database.connect() as connection:
            await connection.execute(LISTEN[self.channel])
            if not await hears(self.database, connection, self.address, self.channel):
                await self._tell_deaf("notifications do not arrive, as behind a pooler")
                return False
            self._heard_at = time.monotonic()
            await self.on_heard(connection)
            while await self._take(connection, self.silence_s):
                pass
            await self._tell_deaf("the listening connection fell silent")
            return True

    async def _take(self, connection: Connection, at_most_s: float) -> bool:
        """Hands on what arrives within `at_most_s`; False when that is nothing."""
        heard = False
        async for notification in connection.notifies(timeout=at_most_s, stop_after=1):
            heard = True
            self._heard_at = time.monotonic()
            self.on_message(notification.payload)
        return heard

    async def _tell_deaf(self, reason: str) -> None:
        try:
            await self.on_deaf(reason)
        except DATABASE_AWAY:
            return  # nobody can be told while the database is away; the next state is told anew


async def hears(
    database: Database, connection: Connection, address: str, channel: Channel = "oppspot_wake"
) -> bool:
    """Whether what another session sends to `address` arrives on `connection`, which listens."""
    # Made up for this probe: a pooler may hand on something older at the wrong moment.
    probe = f"{address}?{secrets.token_hex(8)}"
    await database.fetch_one(PROBE, {"channel": channel, "payload": probe})
    async for notification in connection.notifies(timeout=PROBE_S):
        if notification.payload == probe:
            return True
    return False
