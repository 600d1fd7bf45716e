"""Runners as real processes, and direct looks into their database."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.warm import ROOT, Warm, Warmer

START = ["start", "--import", "tests.daemon.sample_agents"]
COLD = [sys.executable, "-m", "oppspot_runner"]
Process = subprocess.Popen[bytes] | Warm


class Fleet:
    """Starts runner processes on one database and waits for what should happen there."""

    def __init__(self, dsn: str, folder: Path, warmer: Warmer) -> None:
        self.dsn = dsn
        self.folder = folder
        self.warmer = warmer
        self.processes: list[Process] = []
        self.connection = psycopg.connect(dsn, autocommit=True, row_factory=dict_row)

    def environment(self, **settings: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPPSPOT_", "DATABASE_"))}
        own = {"DATABASE_URL": self.dsn, "OPPSPOT_LOG_LEVEL": "warning", **settings}
        return {**kept, **own, "XDG_STATE_HOME": str(self.folder)}

    def start(self, *arguments: str, cold: bool = False, **settings: str) -> Process:
        """Starts a runner and waits until it has its row and its way to be woken."""
        known = {row["id"] for row in self.all("SELECT id FROM task_runners")}
        words, env = [*START, *arguments], self.environment(**settings)
        process: Process = (
            subprocess.Popen([*COLD, *words], cwd=ROOT, env=env)
            if cold
            else self.warmer.start(*words, env=env)
        )
        self.processes.append(process)
        self.until(
            lambda: (
                any(
                    row["id"] not in known
                    for row in self.all("SELECT id FROM task_runners WHERE wake = 'notify'")
                )
                or process.poll() is not None
            )
        )
        assert process.poll() is None, "the runner ended at once"
        return process

    def command(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return self.warmer.run(*arguments, env=self.environment(**settings))

    def all(self, query: str, params: Any = None) -> list[dict[str, Any]]:
        return self.connection.execute(query, params).fetchall()  # type: ignore[arg-type]

    def one(self, query: str, params: Any = None) -> dict[str, Any]:
        (row,) = self.all(query, params)
        return row

    def agent(self, agent_type: str, name: str | None = None) -> Any:
        return self.one(
            "INSERT INTO ai_agents (name, agent_type) VALUES (%s, %s) RETURNING id",
            (name or agent_type, agent_type),
        )["id"]

    def task(self, agent_id: Any, payload: str = "{}") -> Any:
        return self.one(
            "INSERT INTO agent_tasks (agent_id, payload) VALUES (%s, %s) RETURNING id",
            (agent_id, payload),
        )["id"]

    def status(self, task: Any) -> str:
        return str(self.one("SELECT status FROM agent_tasks WHERE id = %s", (task,))["status"])

    def until(self, check: Callable[[], bool], *, within_s: float = 40) -> float:
        """Waits until `check()`; how many seconds it took."""
        started = time.monotonic()
        pause = getattr(time, "sleep")  # noqa: B009 - other processes give no signal to wait for
        while not check():
            assert time.monotonic() - started < within_s, "it did not happen in time"
            pause(0.02)
        return time.monotonic() - started

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
        self.connection.close()


@pytest.fixture
def fleet(dsn: str, tmp_path: Path, warmer: Warmer) -> Iterator[Fleet]:
    made = Fleet(dsn, tmp_path, warmer)
    yield made
    made.end()


class NotifySocket:
    """What the service manager hears."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = f"{self.folder.name}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)

    def heard(self, within_s: float) -> str | None:
        """The next message, or None when none comes in time."""
        self.socket.settimeout(within_s)
        try:
            return self.socket.recv(4096).decode()
        except TimeoutError:
            return None

    def wait_for(self, word: str, within_s: float = 15) -> str:
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            message = self.heard(until - time.monotonic())
            if message is not None and word in message:
                return message
        raise AssertionError(f"{word} was not heard")

    def close(self) -> None:
        self.socket.close()
        self.folder.cleanup()


@pytest.fixture
def notify_socket() -> Iterator[NotifySocket]:
    made = NotifySocket()
    yield made
    made.close()
