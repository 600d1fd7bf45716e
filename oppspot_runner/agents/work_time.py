"""The time that an agent may work, and how it is told that it should come to an end.

It is told once, by SoftTimeLimitError. That is a CancelledError: task groups, timeouts and whatever
else knows how to be cancelled handle it, `except Exception` does not swallow it, and the agent
catches it by its name where it cleans up.
"""

from __future__ import annotations

import asyncio
import time
import types
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

R = TypeVar("R")


class SoftTimeLimitError(asyncio.CancelledError):
    """Raised inside an agent when its soft_time_limit has passed, once.

    What the agent returns after it counts as its result; let through, it is an error of the
    attempt. `time_limit` still holds.
    """


class WorkTime:
    """Counts from its making: `soft_s` until the agent is told (None: never), `hard_s` in all."""

    def __init__(self, soft_s: float | None = None, hard_s: float = float("inf")) -> None:
        self.soft_s = soft_s
        self.told = soft_s is None
        self.interrupted = False
        self.is_over = False
        self._until = time.monotonic() + min(hard_s, hard_s if soft_s is None else soft_s)

    @property
    def left_s(self) -> float:
        """Seconds until the agent is told, or cut off where nothing is told; never below 0."""
        return max(self._until - time.monotonic(), 0.0)

    def tell(self) -> SoftTimeLimitError:
        """The error to raise in the agent, which counts as told from now on."""
        self.told = True
        return SoftTimeLimitError(f"the soft time limit of {self.soft_s:g} s was exceeded")

    def interrupt(self) -> None:
        """Raises SoftTimeLimitError in whatever the agent is doing, unless it knows or ended."""
        if not self.told and not self.is_over:
            self.interrupted = True
            raise self.tell()

    def end(self) -> None:
        """The attempt is over: whoever still works on it learns it when he checks."""
        self.is_over = True

    def check_over(self) -> None:
        """Raises CancelledError after the end."""
        if self.is_over:
            raise asyncio.CancelledError("the attempt is over")

    def check(self) -> None:
        """Raises SoftTimeLimitError when it is time to, CancelledError after the end."""
        self.check_over()
        if not self.told and self.left_s == 0:
            raise self.tell()


@types.coroutine
def told_in_time(body: Coroutine[Any, Any, R], work_time: WorkTime) -> Generator[Any, Any, R]:
    """Awaits `body`; SoftTimeLimitError is raised in it, where it waits, when its time has come."""
    alarm: _Alarm | None = None
    step: Any = body.send
    argument: Any = None
    try:
        while True:
            waited_for = step(argument)
            alarm = alarm or _Alarm(work_time)  # not before: most bodies of a busy runner are short
            try:
                argument, step = (yield waited_for), body.send
            except asyncio.CancelledError as error:
                argument, step = alarm.meaning(error), body.throw
            except BaseException as error:  # noqa: BLE001 - also GeneratorExit belongs to the body
                argument, step = error, body.throw
    except StopIteration as end:
        result: R = end.value
        return result
    finally:
        if alarm is not None:
            alarm.stop()


class _Alarm:
    """Cancels the current task when the time has come, and knows its own cancellation again."""

    def __init__(self, work_time: WorkTime) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.work_time = work_time
        self.task = task
        self.rang = False
        self._timer: asyncio.TimerHandle | None = None
        if not work_time.told:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(work_time.left_s, self._ring)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def meaning(self, error: asyncio.CancelledError) -> asyncio.CancelledError:
        """What the agent is told when its task is cancelled."""
        if not self.rang or self.work_time.told:
            return error
        self.task.uncancel()
        return self.work_time.tell()

    def _ring(self) -> None:
        self.rang = True
        self.task.cancel()
