"""A process that asks a source many times, as fast as it is let: `caller DSN CALLS SOURCE...`."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta

from oppspot_runner.base.rate import RateLimit
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.web import Asked
from oppspot_runner.connectors.http.asking import SourceClient
from oppspot_runner.connectors.http.exchange import Exchange
from oppspot_runner.connectors.http.keeping import AnswerKeeper
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.connectors.sources import SOURCES
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.call_rates import SharedCallLimiter
from oppspot_runner.limits.host_breakers import HostBreakers
from oppspot_runner.queue.answer_cache import SharedAnswerCache

FASTER = 100  # than the real source lets us
AT_ONCE = 8


async def main(dsn: str, calls: int, sources: list[str]) -> None:
    """Makes the calls; each must be answered in the end."""
    async with Database(dsn, max_size=AT_ONCE) as database:
        settings = Settings()
        exchange = Exchange(
            HttpPolicy.of(settings), SharedCallLimiter(database), HostBreakers(database)
        )
        scaled = {
            name: replace(one, rate=RateLimit(one.rate.max_calls, one.rate.window_s / FASTER))
            for name, one in SOURCES.items()
        }
        client = SourceClient(
            settings, exchange, AnswerKeeper(SharedAnswerCache(database)), sources=scaled
        )
        numbers = iter(range(calls))

        async def work() -> None:
            for number in numbers:
                await answered(client, sources[number % len(sources)], number)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(work())
        finally:
            await client.aclose()


async def answered(client: SourceClient, source: str, number: int) -> None:
    """Asks until there is an answer, and waits as long as it is told."""
    asked = Asked(source, "company/1", {"n": number}, fresh_for=timedelta(0))
    while (fetched := await client.fetch(asked)).error is not None:
        if fetched.error.retry_after_s is None:
            raise fetched.error
        await asyncio.sleep(fetched.error.retry_after_s)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
