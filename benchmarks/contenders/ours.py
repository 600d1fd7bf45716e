"""Our runner, one process."""

from __future__ import annotations

import random
import time
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg

from benchmarks import product
from benchmarks.contenders.contender import Span
from benchmarks.server import Server

BEST_CONCURRENCY = 1_000
WARM_UP = 20
INSERT = """
    INSERT INTO agent_tasks (agent_id, task_type, requested_by) VALUES (%s, 'agent_execution', %s)
"""
STARTS = """
    SELECT t.requested_by, (e.output_data ->> 'at')::float8
    FROM agent_executions e JOIN agent_tasks t ON t.id = e.task_id
"""


class Ours:
    """Keeps tasks, and a row of agent_executions for each attempt."""

    name = "oppspot-runner"
    remark = f"{product.version()}, concurrency {BEST_CONCURRENCY}; keeps tasks and attempts"
    durable = True
    share = 1.0

    def __init__(self, profile: Path | None = None) -> None:
        self.profile = profile

    def install(self) -> None:
        """It is what these benchmarks run in."""

    def place(self, server: Server) -> AbstractContextManager[str]:
        return product.database(server)

    def fill(self, address: str, tasks: int) -> None:
        product.add_tasks(address, product.add_agent(address), tasks)

    def drain(self, address: str, concurrency: int | None) -> Span:
        slots = BEST_CONCURRENCY if concurrency is None else concurrency
        return product.drain(address, slots, self.profile)[0]

    def delays(self, address: str, count: int, gap_s: float) -> list[float]:
        agent = product.add_agent(address, product.MARK)
        sent: dict[str, float] = {}
        with (
            product.running(address, "--concurrency", "3"),
            psycopg.connect(address, autocommit=True) as connection,
        ):
            time.sleep(2)
            for number in range(count + WARM_UP):
                time.sleep(gap_s * random.uniform(0.5, 1.5))
                sent[str(number)] = time.time()
                connection.execute(INSERT, (agent, str(number)))
            time.sleep(1)
            started: dict[str, float] = dict(connection.execute(STARTS).fetchall())
        return [started[number] - sent[number] for number in list(sent)[WARM_UP:]]
