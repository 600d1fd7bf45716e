"""What an attempt writes about itself while it runs: progress and finished steps, fenced.

A database that is away is waited for: the work of a step was done, and no agent is at fault.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar
from uuid import UUID

from oppspot_runner.base.errors import LeaseLostError
from oppspot_runner.base.jsonsafe import clean, clean_text, dumps
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

PROGRESS = statement("queue/progress")
STEPS = statement("queue/steps")
SAVE_STEP = statement("queue/save_step")

PROGRESS_EVERY_S = 0.25  # nobody reads faster, and each write is a row version
MOST_STEP_NAME = 200
R = TypeVar("R")


class Through(Protocol):
    """Repeats a call until the database answers; all calls here may be repeated."""

    async def __call__(self, call: Callable[[], Awaitable[R]], /) -> R: ...


class TaskJournal:
    """The journal of one attempt. Every write raises LeaseLostError when the task is not ours."""

    def __init__(
        self, database: Database, task_id: UUID, run_token: int, *, through: Through
    ) -> None:
        self.database = database
        self.task_id = task_id
        self.run_token = run_token
        self.through = through
        self.saved_steps = 0
        self._progress_at = float("-inf")

    async def progress(self, done: float, total: float | None, message: str | None) -> None:
        """Shows `done` of `total`; more than four calls a second are thinned out."""
        now = time.monotonic()
        if now - self._progress_at < PROGRESS_EVERY_S and done != total:
            return
        self._progress_at = now
        shown = {
            "done": clean(done),
            "total": clean(total),
            "message": None if message is None else clean_text(message, most=500),
        }
        await self._fenced(PROGRESS, {"progress": dumps(shown)})

    async def steps(self) -> dict[tuple[str, int], Any]:
        """Results of finished steps by (name, sequence)."""
        which = {"task_id": self.task_id}
        rows = await self.through(lambda: self.database.fetch_all(STEPS, which))
        return {(row["name"], row["seq"]): row["result"] for row in rows}

    async def remember(self, name: str, seq: int, result: Any) -> None:
        """Stores the result of a finished step for later attempts."""
        name = clean_text(name, most=MOST_STEP_NAME)
        await self._fenced(SAVE_STEP, {"name": name, "seq": seq, "result": dumps(result)})
        self.saved_steps += 1

    async def _fenced(self, query: Any, params: dict[str, Any]) -> None:
        fence = {"task_id": self.task_id, "run_token": self.run_token}
        row = await self.through(lambda: self.database.fetch_one(query, {**params, **fence}))
        if row is None:
            raise LeaseLostError(f"task {self.task_id} is no longer this attempt's")
