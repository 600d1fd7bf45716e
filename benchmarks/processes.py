"""Processes of ours while they run: what they cost, read from /proc every so often."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

EVERY_S = 0.05
PATIENCE_S = 2.0
END_S = 60.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True)
class Cost:
    """What a process had used at a time: `at` is seconds since 1970."""

    at: float
    cpu_s: float
    rss_mb: float


@dataclass
class Watched:
    """A process that is looked at until it ends."""

    process: subprocess.Popen[bytes]
    costs: list[Cost] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    def at(self, when: float) -> Cost:
        """The first look at or after `when`, else the last one."""
        place = bisect_left(self.costs, when, key=lambda cost: cost.at)
        return self.costs[min(place, len(self.costs) - 1)]

    def wait(self, timeout_s: float) -> None:
        """Waits for its end. Raises RuntimeError when it failed."""
        try:
            if self.process.wait(timeout_s):
                raise RuntimeError(
                    f"process {self.process.pid} ended with {self.process.returncode}"
                )
        finally:
            self._ended.set()
            self._watch.join()

    def wait_until(
        self, check: Callable[[], bool], timeout_s: float, every_s: float = EVERY_S
    ) -> None:
        """Waits for something that it should do. Raises TimeoutError."""
        until = time.monotonic() + timeout_s
        while not check():
            if self.process.poll() is not None or time.monotonic() > until:
                raise TimeoutError(f"process {self.process.pid} ended or did not do it in time")
            self._ended.wait(every_s)

    def stop(self) -> None:
        """Asks it to end, a second time to end at once, and kills it when it does not."""
        for patience_s in (PATIENCE_S, END_S):
            self.process.terminate()
            try:
                self.process.wait(patience_s)
                break
            except subprocess.TimeoutExpired:
                continue
        self.kill()

    def kill(self) -> None:
        """Ends it without a word."""
        self.process.kill()
        self.process.wait()
        self._ended.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._ended.wait(EVERY_S):
            cost = cost_of(self.process.pid)
            if cost is None:
                return
            self.costs.append(cost)


def start(command: Sequence[str], *, env: Mapping[str, str], folder: Path) -> Watched:
    """Starts a program whose errors are seen and whose output is not."""
    process = subprocess.Popen(command, cwd=folder, env=dict(env), stdout=subprocess.DEVNULL)
    return Watched(process)


def cost_of(pid: int) -> Cost | None:
    """What a process used up to now; None when it is gone."""
    try:
        numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    ticks, pages = int(numbers[11]) + int(numbers[12]), int(numbers[21])
    return Cost(time.time(), ticks / TICKS_PER_S, pages * PAGE_MB)
