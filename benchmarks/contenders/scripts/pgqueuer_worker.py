"""fill DSN N | drain DSN CONCURRENCY | serve DSN | send DSN N GAP_S, where pgqueuer is.

What is measured goes to stdout as JSON lines; times are seconds since 1970.
"""

import asyncio
import json
import random
import signal
import sys
import time

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

BEST_BATCH = 1000
SPAN = """
    SELECT extract(epoch FROM min(created) FILTER (WHERE status = 'picked'))::float8 AS began,
           extract(epoch FROM max(pg_xact_commit_timestamp(xmin))
               FILTER (WHERE status = 'successful'))::float8 AS ended
    FROM pgqueuer_log
"""


def say(**fact: object) -> None:
    print(json.dumps(fact), flush=True)


async def driver(dsn: str) -> AsyncpgDriver:
    return AsyncpgDriver(await asyncpg.connect(dsn))


async def fill(dsn: str, count: str) -> None:
    queries = Queries(await driver(dsn))
    await queries.install()
    for first in range(0, int(count), 10_000):
        size = min(int(count) - first, 10_000)
        await queries.enqueue(["noop"] * size, [None] * size, [0] * size)


async def drain(dsn: str, concurrency: str) -> None:
    limit, batch = (0, BEST_BATCH) if concurrency == "most" else (int(concurrency),) * 2
    queuer = PgQueuer(await driver(dsn))

    @queuer.entrypoint("noop", concurrency_limit=limit)
    async def noop(job: Job) -> None:
        pass

    # The scheduler beside it has nothing to do here.
    await queuer.qm.run(batch_size=batch, mode=QueueExecutionMode.drain)
    connection = await asyncpg.connect(dsn)
    say(**dict(await connection.fetchrow(SPAN)))
    await connection.close()


async def serve(dsn: str) -> None:
    queuer = PgQueuer(await driver(dsn))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, queuer.shutdown.set)

    @queuer.entrypoint("mark")
    async def mark(job: Job) -> None:
        say(at=time.time(), n=int(job.payload))

    await queuer.run()


async def send(dsn: str, count: str, gap_s: str) -> None:
    queries = Queries(await driver(dsn))
    for n in range(int(count)):
        await asyncio.sleep(float(gap_s) * random.uniform(0.5, 1.5))
        at = time.time()
        await queries.enqueue("mark", str(n).encode())
        say(n=n, at=at)


mode, *rest = sys.argv[1:]
uvloop.run({"fill": fill, "drain": drain, "serve": serve, "send": send}[mode](*rest))
