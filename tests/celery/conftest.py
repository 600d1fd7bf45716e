"""Runners, workers and a Redis on one database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.celery.agents import NOTES
from tests.celery.redis import Redis
from tests.daemon.conftest import Fleet, Process
from tests.warm import ROOT, Warmer

AGENTS = "tests.celery.agents"
WORKER = [sys.executable, "-m", "celery", "-A", "oppspot_runner.app.celery_worker", "worker"]
EFFECTS = "CREATE TABLE effects (task_id uuid, worker_pid integer, runner_pid integer)"


class CeleryFleet(Fleet):
    """Starts Celery workers besides runners."""

    def __init__(self, dsn: str, folder: Path, warmer: Warmer) -> None:
        super().__init__(dsn, folder, warmer)
        self.redis = Redis(folder)
        self.redis.start()
        self.workers: list[subprocess.Popen[bytes]] = []
        self.connection.execute(EFFECTS)

    def environment(self, **settings: str) -> dict[str, str]:
        own = {
            "OPPSPOT_CELERY_BROKER": self.redis.url,
            "OPPSPOT_IMPORT": AGENTS,
            "OPPSPOT_WORKER_LOST": "2",
            NOTES: str(self.folder),
        }
        return super().environment(**{**own, **settings})

    def start(self, *arguments: str, cold: bool = False, **settings: str) -> Process:
        return super().start("--import", AGENTS, *arguments, cold=cold, **settings)

    def worker(self, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        """Starts a worker with two processes, in a process group of its own."""
        with open(self.folder / "worker.log", "ab") as log:
            process = subprocess.Popen(
                [*WORKER, "--concurrency", "2", "--without-mingle", *arguments],
                cwd=ROOT,
                env=self.environment(OPPSPOT_LOG="json", **settings),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(process)
        return process

    def said(self) -> str:
        """What the workers logged."""
        return (self.folder / "worker.log").read_text()

    def ran(self, task: UUID) -> list[int]:
        """Processes in which bodies of that task began."""
        path = self.folder / "ran"
        lines = path.read_text().splitlines() if path.exists() else []
        return [int(line.split()[2]) for line in lines if line.startswith(str(task))]

    def agent_task(self, agent_type: str, payload: str = "{}", stream_id: Any = None) -> UUID:
        known = self.all("SELECT id FROM ai_agents WHERE agent_type = %s", (agent_type,))
        agent = known[0]["id"] if known else self.agent(agent_type)
        row = self.one(
            "INSERT INTO agent_tasks (agent_id, payload, stream_id) VALUES (%s, %s, %s)"
            " RETURNING id",
            (agent, payload, stream_id),
        )
        return row["id"]

    def begun(self, task: UUID, times: int = 1, within_s: float = 40) -> int:
        """Waits until a body of the task began that many times; the process of the last one."""
        self.until(lambda: len(self.ran(task)) >= times, within_s=within_s)
        return self.ran(task)[-1]

    def output(self, task: UUID) -> dict[str, Any]:
        """What its last attempt returned."""
        query = "SELECT * FROM agent_executions WHERE task_id = %s ORDER BY attempt DESC LIMIT 1"
        return self.one(query, (task,))["output_data"]

    def ended(self, *tasks: UUID, within_s: float = 40) -> list[dict[str, Any]]:
        """Waits until the tasks ended; their rows."""
        query = "SELECT * FROM agent_tasks WHERE id = ANY (%s) AND status = ANY (%s)"
        over = ["completed", "failed", "cancelled"]
        self.until(
            lambda: len(self.all(query, (list(tasks), over))) == len(tasks), within_s=within_s
        )
        found = {row["id"]: row for row in self.all(query, (list(tasks), over))}
        return [found[task] for task in tasks]

    def end(self) -> None:
        for worker in self.workers:
            kill(worker)
        super().end()
        self.redis.kill()


def kill(worker: subprocess.Popen[bytes]) -> None:
    """Ends a worker with its whole process group, without a word."""
    if worker.poll() is None:
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


@pytest.fixture
def celery_fleet(dsn: str, tmp_path: Path, warmer: Warmer) -> Iterator[CeleryFleet]:
    made = CeleryFleet(dsn, tmp_path, warmer)
    yield made
    made.end()
