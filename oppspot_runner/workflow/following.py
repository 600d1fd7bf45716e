"""Follows runs live: one listening connection for all followers of a process.

A follower reads page after page; at the newest one it waits until its run has news. News come by
notification, else by a look at all followed runs at once: every few seconds as long as
notifications arrive, every second where they do not, as behind a pooler. Followers that want the
same page share the reading of it, so that a crowd at the end of one run costs as much as one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple
from uuid import UUID

from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from oppspot_runner.db.cancelling import end_all
from oppspot_runner.db.files import statement
from oppspot_runner.db.listen import Listener
from oppspot_runner.db.pool import DATABASE_AWAY, DATABASE_ERROR, Connection, Database
from oppspot_runner.workflow.run_events import Page, RunEvent

FOLLOW = statement("run_events/follow")

HEARD_LOOK_S = 5.0  # between two looks where notifications arrive; they are renewed for 30 s
DEAF_LOOK_S = 1.0
BUSY_LOOK_S = 0.1  # where the run's row was held when we asked for notifications
SILENCE_S = HEARD_LOOK_S * 2.5

Read = Callable[[UUID, int], Awaitable[Page]]
# A server that restarts is waited for; who gives up can resume where he was.
PATIENT = AsyncRetrying(
    retry=retry_if_exception_type(DATABASE_AWAY),
    wait=wait_random_exponential(multiplier=0.2, max=2),
    stop=stop_after_delay(30),
    reraise=True,
)


class Seen(NamedTuple):
    """A page, and what was known of news when the reading of it began."""

    news: int
    page: Page


class Feed:
    """What the followers of one run share."""

    def __init__(self, run_id: UUID, read: Read) -> None:
        self.run_id = run_id
        self.followers = 0
        self.last_seq = 0  # the greatest number that anybody read of
        self._read = read
        self._news = 0  # grows whenever something may have happened
        self._stirred = asyncio.Event()
        self._reading: dict[int, asyncio.Task[Seen]] = {}

    def stir(self) -> None:
        """Lets everybody who waits look again."""
        self._news += 1
        self._wake()

    def _wake(self) -> None:
        self._stirred.set()
        self._stirred = asyncio.Event()

    async def page(self, after: int) -> Seen:
        """The page after that number; whoever asks for it meanwhile gets the same."""
        reading = self._reading.get(after)
        if reading is None:
            reading = asyncio.get_running_loop().create_task(self._one(after))
            self._reading[after] = reading
            reading.add_done_callback(_looked_at)
        return await asyncio.shield(reading)

    async def _one(self, after: int) -> Seen:
        try:
            news = self._news
            page: Page = await PATIENT(self._read, self.run_id, after)
            if page.last_seq > self.last_seq:
                self.last_seq = page.last_seq
                self._wake()
            return Seen(news, page)
        finally:
            del self._reading[after]

    async def wait(self, seen: Seen) -> None:
        """Waits for what `seen` may lack."""
        while self._news == seen.news and self.last_seq <= seen.page.last_seq:
            await self._stirred.wait()


def _looked_at(reading: asyncio.Task[Seen]) -> None:
    if not reading.cancelled():
        reading.exception()  # whoever asked may have gone meanwhile


class Hub:
    """All followers of a process on one database. Works only while there are any."""

    def __init__(self, database: Database, read: Read) -> None:
        self.database = database
        self._read = read
        self._feeds: dict[UUID, Feed] = {}
        self._look = asyncio.Event()
        self._heard = False
        self._address = f"{database.schema}/followers/{secrets.token_hex(8)}"
        self._services: list[asyncio.Task[None]] = []

    async def follow(self, run_id: UUID, after: int = 0) -> AsyncGenerator[RunEvent, None]:
        """Events of a run after number `after`, as they come, up to the last one."""
        async with self._feed(run_id) as feed:
            while True:
                seen = await feed.page(after)
                for event in seen.page.events:
                    yield event
                    after = event.seq
                if seen.page.is_end:
                    return
                if seen.page.is_newest:
                    await feed.wait(seen)

    @asynccontextmanager
    async def _feed(self, run_id: UUID) -> AsyncIterator[Feed]:
        feed = self._feeds.get(run_id)
        if feed is None:
            feed = self._feeds[run_id] = Feed(run_id, self._read)
            self._look.set()
        feed.followers += 1
        if not self._services:
            self._start()
        try:
            yield feed
        finally:
            feed.followers -= 1
            if not feed.followers:
                del self._feeds[run_id]
            if not self._feeds:
                await self._stop()

    def _start(self) -> None:
        listener = Listener(
            self.database,
            address=self._address,
            silence_s=SILENCE_S,
            channel="oppspot_events",
            on_message=self._on_message,
            on_heard=self._on_heard,
            on_deaf=self._on_deaf,
        )
        loop = asyncio.get_running_loop()
        self._services = [loop.create_task(listener.run()), loop.create_task(self._keep_looking())]

    async def _stop(self) -> None:
        services, self._services = self._services, []
        self._heard = False
        await end_all(services)

    def _on_message(self, payload: str) -> None:
        with suppress(ValueError):  # our own address
            if (feed := self._feeds.get(UUID(payload))) is not None:
                feed.stir()

    async def _on_heard(self, _: Connection) -> None:
        self._heard = True
        self._look.set()

    async def _on_deaf(self, _: str) -> None:
        self._heard = False
        self._look.set()

    async def _keep_looking(self) -> None:
        while True:
            self._look.clear()
            pause_s = DEAF_LOOK_S
            try:
                pause_s = await self._look_once()
            except DATABASE_AWAY:
                pass  # it is waited for by those who read
            except DATABASE_ERROR:  # such as a missing right: then everybody looks for himself
                for feed in self._feeds.values():
                    feed.stir()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._look.wait()

    async def _look_once(self) -> float:
        """Asks how far all runs are, and to be notified of more; seconds to the next look."""
        params: dict[str, Any] = {"run_ids": list(self._feeds), "address": self._address}
        rows = {row["run_id"]: row for row in await self.database.fetch_all(FOLLOW, params)}
        for run_id in params["run_ids"]:
            feed, row = self._feeds.get(run_id), rows.get(run_id)
            if feed is not None and (row is None or row["last_event"] > feed.last_seq):
                feed.stir()
        if not self._heard:
            return DEAF_LOOK_S
        return HEARD_LOOK_S if all(row["notified"] for row in rows.values()) else BUSY_LOOK_S
