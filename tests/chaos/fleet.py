"""Runners as people start them: processes of the command line."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.chaos.ledger import VARIABLE, write
from tests.chaos.proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]
START = ["-m", "oppspot_runner", "--debug", "start", "--import", "tests.chaos.agents", "--ready-fd"]
SLOTS = 8  # tasks at once in each
READY_S = 60
TOLD = 800  # characters of the log of a runner that ended by itself


@dataclass(eq=False)
class Runner:
    """One process. `ours`: we ended it, so its end is no surprise."""

    number: int
    process: subprocess.Popen[bytes]
    log: Path
    way: Proxy
    ours: bool = False

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


class Fleet:
    """Starts runners, ends them in all ways, and notes what surprises."""

    def __init__(
        self,
        folder: Path,
        ledger: Path,
        code: Path,
        settings: Mapping[str, str],
        new_way: Callable[[], Awaitable[Proxy]],
    ) -> None:
        self.folder = folder
        self.ledger = ledger
        self.code = code
        self.settings = settings
        self.new_way = new_way
        self.runners: list[Runner] = []
        self._numbers = count(1)

    def living(self) -> list[Runner]:
        """Those that are there and that nobody has told to end, the oldest first."""
        return [one for one in self.runners if not one.ours and one.alive]

    def pick(self, which: int, count: int = 1) -> list[Runner]:
        """`count` living ones, chosen by a number that was drawn before they were known."""
        living = self.living()
        return [living[(which + n) % len(living)] for n in range(min(count, len(living)))]

    async def migrate(self, dsn: str) -> None:
        """Has the fleet's program make its schema."""
        await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "oppspot_runner", "migrate"],
            cwd=self.code,
            env={**plain_environment(), "DATABASE_URL": dsn},
            stdout=subprocess.DEVNULL,
            check=True,
        )

    async def start(self, code: Path | None = None) -> Runner:
        """Starts one, of the fleet's program or of `code`, and waits until it takes tasks."""
        number = next(self._numbers)
        log = self.folder / f"runner-{number}.log"
        way = await self.new_way()
        ready, told = os.pipe()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*way.prefix, sys.executable, *START, str(told)],
                cwd=code or self.code,
                env={**plain_environment(), **self.settings, "DATABASE_URL": way.dsn},
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(told,),
                start_new_session=True,
            )
        os.close(told)
        runner = Runner(number, process, log, way)
        self.runners.append(runner)
        try:
            async with asyncio.timeout(READY_S):
                if not await asyncio.to_thread(os.read, ready, 16):
                    self._surprise(f"runner {number} ended before it was ready", runner)
        except TimeoutError:
            self._surprise(f"runner {number} was not ready within {READY_S} s", runner)
            self.kill(runner)
        finally:
            os.close(ready)
        return runner

    def kill(self, runner: Runner) -> None:
        runner.ours = True
        runner.send(signal.SIGKILL)
        runner.process.wait()

    def stop(self, runner: Runner) -> None:
        """Asks it to end, and does not wait for that."""
        runner.ours = True
        runner.send(signal.SIGTERM)

    async def end(self, within_s: float) -> None:
        """Stops all; whoever ended by himself, will not end, or ends badly, is a surprise."""
        for runner in self.runners:
            if not runner.ours and not runner.alive:
                self._surprise(f"runner {runner.number} ended by itself", runner)
        for runner in self.living():
            self.stop(runner)
        await asyncio.gather(*(self._gone(runner, within_s) for runner in self.runners))

    async def _gone(self, runner: Runner, within_s: float) -> None:
        try:
            await asyncio.to_thread(runner.process.wait, within_s)
        except subprocess.TimeoutExpired:
            self._surprise(f"runner {runner.number} did not end when it was told to", runner)
            return
        if runner.process.returncode not in (0, -signal.SIGKILL):
            self._surprise(f"runner {runner.number} ended with an error", runner)

    def sweep(self) -> None:
        """Kills what is left, also children that outlived their runner, which is a surprise."""
        for runner in self.runners:
            if runner.alive:
                runner.send(signal.SIGKILL)
            runner.process.wait()
        for pid in self._ours_by_their_ledger():
            write(self.ledger, "surprise", text=f"process {pid} outlived its runner")
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _ours_by_their_ledger(self) -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if f"{VARIABLE}={self.ledger}".encode() in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
        return found

    def _surprise(self, text: str, runner: Runner) -> None:
        said = runner.log.read_text(errors="replace").strip()[-TOLD:]
        code = runner.process.poll()
        write(self.ledger, "surprise", text=f"{text} (exit code {code}): {said}")


def plain_environment() -> dict[str, str]:
    """Ours, without what is meant for runners of somebody else."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("OPPSPOT_", "DATABASE_"))}
