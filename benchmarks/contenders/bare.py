"""A bare round trip: a session that listens, and one UPDATE with SKIP LOCKED when it hears."""

from __future__ import annotations

import random
import threading
import time
from contextlib import AbstractContextManager

import psycopg

from benchmarks.server import Server

TABLE = """
    CREATE TABLE bare_tasks (
        id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        status text NOT NULL DEFAULT 'pending'
    );
    CREATE INDEX bare_tasks_pending ON bare_tasks (id) WHERE status = 'pending';
"""
INSERT = """
    WITH made AS (INSERT INTO bare_tasks DEFAULT VALUES RETURNING id)
    SELECT pg_notify('bare_wake', '') FROM made
"""
CLAIM = """
    UPDATE bare_tasks SET status = 'processing' WHERE id = (
        SELECT id FROM bare_tasks WHERE status = 'pending' ORDER BY id LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING id
"""


class Bare:
    """What nobody who waits for a NOTIFY can be faster than."""

    name = "NOTIFY + claim"
    durable = True
    remark = "LISTEN on one connection, one UPDATE with SKIP LOCKED on another"

    def install(self) -> None:
        """It needs nothing."""

    def place(self, server: Server) -> AbstractContextManager[str]:
        return server.database()

    def delays(self, address: str, count: int, gap_s: float) -> list[float]:
        with psycopg.connect(address, autocommit=True) as producer:
            producer.execute(TABLE)
            started: list[float] = []
            listening = threading.Event()
            worker = threading.Thread(target=_claim_all, args=(address, count, started, listening))
            worker.start()
            listening.wait()
            sent = []
            for _ in range(count):
                time.sleep(gap_s * random.uniform(0.5, 1.5))
                sent.append(time.time())
                producer.execute(INSERT)
            worker.join()
        return [start - insert for start, insert in zip(started, sent, strict=True)]


def _claim_all(dsn: str, count: int, started: list[float], listening: threading.Event) -> None:
    with (
        psycopg.connect(dsn, autocommit=True) as listener,
        psycopg.connect(dsn, autocommit=True) as claimer,
    ):
        listener.execute("LISTEN bare_wake")
        listening.set()
        for _ in listener.notifies():
            claimer.execute(CLAIM).fetchone()
            started.append(time.time())
            if len(started) == count:
                return
