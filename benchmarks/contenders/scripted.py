"""A peer that runs in its own environment, by a script that speaks JSON lines.

Each script of `scripts` knows four modes: `fill ADDRESS N`, `drain ADDRESS CONCURRENCY` (or
`most`), `serve ADDRESS` and `send ADDRESS N GAP_S`.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from benchmarks.contenders.contender import Span
from benchmarks.programs import output_of
from benchmarks.server import Server

SCRIPTS = Path(__file__).parent / "scripts"
SETTLE_S = 2.0  # until a worker that was started listens
LAST_S = 10.0  # for the last task to be started: longer than what any of them polls by default
WARM_UP = 20  # inserts before those that count


class Scripted(ABC):
    """Runs the script of a peer and reads what it says."""

    name: str
    remark: str
    durable: bool = True
    share: float = 1.0

    def install(self) -> None:
        self.command()

    @abstractmethod
    def command(self) -> list[str]:
        """What the script is run with; makes the environment first."""

    def place(self, server: Server) -> AbstractContextManager[str]:
        return server.database()

    def fill(self, address: str, tasks: int) -> None:
        self._say("fill", address, str(tasks))

    def drain(self, address: str, concurrency: int | None) -> Span:
        said = self._say("drain", address, "most" if concurrency is None else str(concurrency))
        return Span(**said[-1])

    def delays(self, address: str, count: int, gap_s: float) -> list[float]:
        self.fill(address, 0)
        started: dict[int, float] = {}
        serving = subprocess.Popen(
            [*self.command(), "serve", address], stdout=subprocess.PIPE, text=True
        )
        try:
            reader = threading.Thread(target=_note, args=(serving, started))
            reader.start()
            time.sleep(SETTLE_S)
            sent = self._say("send", address, str(count + WARM_UP), str(gap_s))
            until = time.monotonic() + LAST_S
            while len(started) < len(sent) and time.monotonic() < until:
                time.sleep(0.05)
        finally:
            serving.terminate()
            serving.wait(30)
        reader.join()
        return [started[one["n"]] - one["at"] for one in sent[WARM_UP:]]

    def _say(self, *arguments: str) -> list[dict[str, Any]]:
        said = output_of([*self.command(), *arguments])
        return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def _note(serving: subprocess.Popen[str], started: dict[int, float]) -> None:
    assert serving.stdout is not None
    for line in serving.stdout:
        if line.startswith("{"):
            fact = json.loads(line)
            started[fact["n"]] = fact["at"]
