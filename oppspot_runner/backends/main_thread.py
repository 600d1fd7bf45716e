"""A body in the main thread of a process of its own, where it can be told by a signal to end."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from oppspot_runner.agents.work_time import SoftTimeLimitError, WorkTime
from oppspot_runner.backends import memory
from oppspot_runner.backends.backend import Briefing, Result
from oppspot_runner.backends.body import run_in_thread
from oppspot_runner.backends.judging import CANCELLED_ITSELF, judged_error
from oppspot_runner.base.outcome import Retry

SOFT_SIGNAL = signal.SIGUSR1
SIGNAL_LATE_S = 0.5  # an event loop that moves tells its agent itself


def run_in_main_thread(briefing: Briefing, home: asyncio.AbstractEventLoop) -> Result:
    """Runs a body in this thread; `home`, the loop of its context, runs in another one.

    Raises LeaseLostError.
    """
    work_time = briefing.ctx.work_time
    signal.signal(SOFT_SIGNAL, lambda *_: work_time.interrupt())
    late_s = SIGNAL_LATE_S if briefing.definition.is_async else 0.0
    try:
        with memory.limited(briefing.options.memory_limit), _signalled(work_time, late_s, home):
            try:
                return run_in_thread(briefing, home)
            finally:
                work_time.end()
    except SoftTimeLimitError as error:  # it came while the body was just ending
        return Result(judged_error(error))
    except asyncio.CancelledError:
        return Result(Retry(CANCELLED_ITSELF))


@contextmanager
def _signalled(
    work_time: WorkTime, late_s: float, home: asyncio.AbstractEventLoop
) -> Iterator[None]:
    """Sends the main thread the soft signal, `late_s` after the soft limit, while inside."""
    if work_time.told:
        yield
        return
    alarm = asyncio.run_coroutine_threadsafe(_signal_after(work_time.left_s + late_s), home)
    try:
        yield
    finally:
        alarm.cancel()


async def _signal_after(seconds: float) -> None:
    await asyncio.sleep(seconds)
    signal.pthread_kill(threading.main_thread().ident or 0, SOFT_SIGNAL)
