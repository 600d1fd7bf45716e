"""What a runner tells the process that serves HTTP for it, over a real pair of sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from oppspot_runner.app.runner_report import (
    ReportLine,
    RunnerReport,
    answer_questions,
    report_line,
)

LATE_S = 0.05


class Told:
    """Reports with the number of the question."""

    def __init__(self) -> None:
        self.asked = 0

    def report(self) -> RunnerReport:
        self.asked += 1
        return RunnerReport(None, f"question {self.asked}", [])


@asynccontextmanager
async def both_ends(reporter: asyncio.Future[Told]) -> AsyncIterator[ReportLine]:
    ours, theirs = socket.socketpair()
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(answer_questions(ours, reporter))  # type: ignore[arg-type]
        async with report_line(theirs) as line:
            yield line
            answering.cancel()


def later() -> asyncio.Future[Told]:
    return asyncio.get_running_loop().create_future()


async def test_many_who_ask_at_once_hear_one_answer_and_the_next_one_a_new_one() -> None:
    reporter = later()
    reporter.set_result(told := Told())
    async with both_ends(reporter) as line:
        at_once = await asyncio.gather(*(line.ask() for _ in range(50)))
        assert {one.remark for one in at_once} == {"question 1"}
        assert (await line.ask()).remark == "question 2"
    assert told.asked == 2


async def test_who_asks_before_the_runner_has_begun_waits_or_hears_that_it_is_late() -> None:
    reporter = later()
    async with both_ends(reporter) as line:
        with pytest.raises(TimeoutError):
            await line.ask(LATE_S)
        waiting = asyncio.gather(line.ask(), line.ask())
        reporter.set_result(Told())
        assert [one.remark for one in await waiting] == ["question 1"] * 2


async def test_who_dies_before_the_runner_has_begun_takes_nothing_from_who_asks_next() -> None:
    reporter = later()
    async with both_ends(reporter):
        await asyncio.sleep(0)
    async with both_ends(reporter) as line:
        reporter.set_result(Told())
        assert (await line.ask()).remark == "question 1"


async def test_who_waits_for_a_runner_that_ends_hears_so() -> None:
    ours, theirs = socket.socketpair()
    async with report_line(theirs) as line:
        waiting = asyncio.gather(line.ask(), line.ask(LATE_S * 100), return_exceptions=True)
        await asyncio.sleep(0)
        ours.close()
        assert [type(one) for one in await waiting] == [EOFError] * 2
        await line.gone.wait()
        with pytest.raises(EOFError):
            await line.ask()
