"""What a runner says of itself to the process that serves HTTP beside it, and how that asks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from oppspot_runner.app.daemon import trouble_of
from oppspot_runner.backends.border import Channel, framed
from oppspot_runner.base.events import RunnerStarted, WakeChanged
from oppspot_runner.db.cancelling import end_all
from oppspot_runner.observe import catalog
from oppspot_runner.observe.counting import RunnerCounts, Sample
from oppspot_runner.runner.loop import Runner

QUESTION = "how do you stand?"


@dataclass(frozen=True)
class RunnerReport:
    """How a runner stands: why it is of no use, or None; what is worth to know; its numbers."""

    fault: str | None
    remark: str | None
    samples: list[Sample]


class Reporter:
    """Reports of a runner, which is counted from now on."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._counts = RunnerCounts(runner.events)
        self._gauges = RunnerGauges(runner)

    def report(self) -> RunnerReport:
        """How it stands now."""
        return RunnerReport(
            fault=fault_of(self._runner),
            remark="it is paused" if self._runner.state == "paused" else None,
            samples=[*self._counts.samples(), *self._gauges.samples()],
        )


class RunnerGauges:
    """How a runner stands."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.wake = "poll"
        runner.events.subscribe(RunnerStarted, self._heard_of_wake)
        runner.events.subscribe(WakeChanged, self._heard_of_wake)

    def _heard_of_wake(self, event: RunnerStarted | WakeChanged) -> None:
        self.wake = event.wake

    def samples(self) -> Iterator[Sample]:
        """Its gauges."""
        runner = self.runner
        yield catalog.RUNNER_INFO, (runner.config.version, runner.state, self.wake), 1
        yield catalog.RUNNER_SLOTS, (), runner.config.slots
        yield catalog.RUNNER_RUNNING, (), len(runner.attempts)
        if runner.watchdog is not None:
            yield catalog.LOOP_LAG, (), runner.watchdog.watch.late_s


def fault_of(runner: Runner) -> str | None:
    """Why a runner is of no use just now."""
    if runner.term is None:
        return "it has not begun"
    if runner.state in ("stopping", "stopped"):
        return f"it is {runner.state}"
    return trouble_of(runner)


async def answer_questions(line: socket.socket, reporter: Awaitable[Reporter]) -> None:
    """Reports as often as somebody asks at the other end of `line`, until that is closed.

    The first question waits for `reporter`.
    """
    channel = Channel(*await asyncio.open_connection(sock=line))
    try:
        told_by = await asyncio.shield(reporter)  # others ask after us
        while True:
            await channel.receive()
            await channel.send(framed(told_by.report()))
    except (EOFError, ConnectionError):
        pass  # nobody asks any more
    finally:
        channel.writer.close()


class ReportLine:
    """Asks the runner at the other end; `gone` is set when there is none any more."""

    def __init__(self, channel: Channel) -> None:
        self.gone = asyncio.Event()
        self._channel = channel
        self._answer: asyncio.Future[RunnerReport] | None = None

    async def ask(self, within_s: float | None = None) -> RunnerReport:
        """A report; who asks before another one was answered hears the same.

        Raises TimeoutError when there was none within so many seconds, EOFError when the runner
        is gone.
        """
        if self.gone.is_set():
            raise EOFError
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
            self._channel.writer.write(framed(QUESTION))
        async with asyncio.timeout(within_s):
            return await asyncio.shield(self._answer)

    async def listen(self) -> None:
        """Hears answers until the runner is gone."""
        with suppress(EOFError):
            while True:
                report = await self._channel.receive()
                answer, self._answer = self._answer, None
                if answer is not None:
                    answer.set_result(report)
        self.give_up()

    def give_up(self) -> None:
        """Takes the runner for gone."""
        self.gone.set()
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.set_exception(EOFError())
            answer.exception()  # perhaps nobody waits for it any more


@asynccontextmanager
async def report_line(line: socket.socket) -> AsyncIterator[ReportLine]:
    """The end of `line` that asks."""
    channel = Channel(*await asyncio.open_connection(sock=line))
    asking = ReportLine(channel)
    listening = asyncio.get_running_loop().create_task(asking.listen())
    try:
        yield asking
    finally:
        await end_all({listening})
        channel.writer.close()
