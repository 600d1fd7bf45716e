"""What became of attempts, as a test looks at it, with the exceptions themselves."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from traceback import format_exception
from types import TracebackType
from typing import Any
from uuid import UUID

from oppspot_runner.agents.waiting import LAST_TIME
from oppspot_runner.base.errors import ConflictError
from oppspot_runner.base.events import TaskFinished
from oppspot_runner.base.jsonsafe import clean
from oppspot_runner.base.outcome import Done, Fail, Retry, Snooze
from oppspot_runner.base.task import TaskStatus
from oppspot_runner.testing.clock import Clock

PACKAGE = f"{Path(__file__).resolve().parents[1]}{os.sep}"
MOST_AT_ONCE = 100  # attempts of one task while time stands still


@dataclass(frozen=True)
class Attempt:
    """One attempt of one task. `status` is that of the task after it: pending when it comes back,
    which is at `next_at` unless it waits for something without a limit in time.

    `output` is what the agent returned, as it was stored. `error` is why it did not come to a good
    end; `exception` is what it raised then, and `traceback` how that is printed, from the agent's
    own code on. A snooze and a wait are no errors.
    """

    task_id: UUID
    agent: str | None
    agent_type: str | None
    payload: dict[str, Any]
    attempt: int
    status: TaskStatus
    output: dict[str, Any] | None
    error: str | None
    exception: BaseException | None
    traceback: str | None
    started_at: datetime
    finished_at: datetime
    next_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether its task completed, failed or was cancelled."""
        return self.status != "pending"

    def told(self) -> str:
        """Which attempt it was, how it ended and why, for people."""
        name = self.agent or self.agent_type or "a task without agent"
        head = f"{name}, attempt {self.attempt} of task {self.task_id}: {self.status}"
        return f"{head}\n{self.traceback or self.error or ''}"


class Notebook:
    """Writes down all attempts of a test, in the order of their ends."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.attempts: list[Attempt] = []
        self._raised: dict[int, BaseException] = {}  # by the token of the attempt
        self._at = clock.now
        self._at_once: Counter[UUID] = Counter()

    def note_raised(self, run_token: int, error: BaseException) -> None:
        """Keeps what an agent raised, with the traceback from the agent's own code on."""
        self._raised[run_token] = error.with_traceback(_own_part(error.__traceback__))

    def note_end(self, event: TaskFinished) -> None:
        """Keeps how an attempt ended."""
        task, outcome, now = event.task, event.outcome, self.clock.now
        raised = self._raised.pop(task.run_token, None)
        error = raised if isinstance(outcome, Retry | Fail) else None
        self._count(task.id, now)
        self.attempts.append(
            Attempt(
                task_id=task.id,
                agent=task.agent.name if task.agent else None,
                agent_type=task.agent_type,
                payload=task.payload,
                attempt=task.attempt,
                status=event.status,
                output=clean(outcome.output) if isinstance(outcome, Done) else None,
                error=None if isinstance(outcome, Snooze) else event.error,
                exception=error,
                traceback="".join(format_exception(error)) if error else None,
                started_at=task.started_at,
                finished_at=now,
                next_at=_next_at(event, now),
            )
        )

    def check(self) -> None:
        """Raises ConflictError for a task that comes back again and again at one time."""
        for task_id, times in self._at_once.most_common(1):
            if times >= MOST_AT_ONCE:
                raise ConflictError(
                    f"task {task_id} had {times} attempts while it was {self._at.isoformat()}",
                    hint="An agent that snoozes or is retried after 0 s never ends: let it wait.",
                )

    def _count(self, task_id: UUID, now: datetime) -> None:
        if now != self._at:
            self._at_once.clear()
        self._at = now
        self._at_once[task_id] += 1


def _next_at(event: TaskFinished, now: datetime) -> datetime | None:
    """When a task comes back; None where no time is known, or where it does not."""
    match event.outcome:
        case Snooze(until=datetime() as until):
            return until if until < LAST_TIME else None
        case _ if event.next_attempt_s is not None:
            return now + timedelta(seconds=event.next_attempt_s)
    return None


def _own_part(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without our frames before the first of somebody else's code."""
    at = trace
    while at is not None and at.tb_frame.f_code.co_filename.startswith(PACKAGE):
        at = at.tb_next
    return at or trace
