"""fill DSN N | drain DSN CONCURRENCY | serve DSN | send DSN N GAP_S, where procrastinate is.

What is measured goes to stdout as JSON lines; times are seconds since 1970.
"""

import asyncio
import json
import logging
import random
import sys
import time

import psycopg
from procrastinate import App, PsycopgConnector

BEST_CONCURRENCY = 10
CONNECTIONS = 4
SPAN = """
    SELECT extract(epoch FROM min(at) FILTER (WHERE type = 'started'))::float8,
           extract(epoch FROM max(pg_xact_commit_timestamp(xmin))
               FILTER (WHERE type = 'succeeded'))::float8
    FROM procrastinate_events
"""
logging.disable(logging.WARNING)


def say(**fact: object) -> None:
    print(json.dumps(fact), flush=True)


def app_on(dsn: str) -> App:
    connector = PsycopgConnector(conninfo=dsn, min_size=CONNECTIONS, max_size=CONNECTIONS)
    return App(connector=connector)


async def fill(dsn: str, count: str) -> None:
    app = app_on(dsn)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for first in range(0, int(count), 1000):
            jobs = [{}] * min(int(count) - first, 1000)
            await app.configure_task("noop").batch_defer_async(*jobs)


async def drain(dsn: str, concurrency: str) -> None:
    app = app_on(dsn)

    @app.task(name="noop")
    async def noop() -> None:
        pass

    at_once = BEST_CONCURRENCY if concurrency == "most" else int(concurrency)
    async with app.open_async():
        await app.run_worker_async(concurrency=at_once, wait=False)
    with psycopg.connect(dsn) as connection:
        began, ended = connection.execute(SPAN).fetchone()
    say(began=began, ended=ended)


async def serve(dsn: str) -> None:
    app = app_on(dsn)

    @app.task(name="mark")
    async def mark(n: int) -> None:
        say(at=time.time(), n=n)

    async with app.open_async():
        await app.run_worker_async(concurrency=3)


async def send(dsn: str, count: str, gap_s: str) -> None:
    app = app_on(dsn)
    async with app.open_async():
        for n in range(int(count)):
            await asyncio.sleep(float(gap_s) * random.uniform(0.5, 1.5))
            at = time.time()
            await app.configure_task("mark").defer_async(n=n)
            say(n=n, at=at)


mode, *rest = sys.argv[1:]
asyncio.run({"fill": fill, "drain": drain, "serve": serve, "send": send}[mode](*rest))
