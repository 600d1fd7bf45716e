"""One attempt: brief, run, decide, settle. It always comes to an end, whatever its agent does.

The agent's body runs in a task of its own and is only watched from here: one that ignores its
cancellation is abandoned after `CUT_OFF_S`, and the fence keeps it from writing anything later.
"""

from __future__ import annotations

import asyncio
import inspect
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from structlog.typing import FilteringBoundLogger

from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.registry import Registry
from oppspot_runner.backends.inline import Result, run_body
from oppspot_runner.base import errors
from oppspot_runner.base.events import EventBus, ResultDropped, TaskFinished, TaskStarted
from oppspot_runner.base.outcome import Cancel, Done, Fail, Outcome, Release, Retry, Snooze
from oppspot_runner.base.task import HEALTH_CHECK, Task
from oppspot_runner.db.pool import Database, is_away
from oppspot_runner.queue.journal import TaskJournal
from oppspot_runner.queue.settlement import Settlement, settlement
from oppspot_runner.runner.briefing import Briefing, Stores, brief, chosen_definition, max_retries
from oppspot_runner.runner.patience import Patience
from oppspot_runner.runner.settler import Settler

CUT_OFF_S = 5.0
SAVE_LEAST_S = 10.0  # for save_results, however long the body took
AGAIN_S = 0.2


@dataclass(frozen=True)
class Tools:
    """What every attempt of a runner works with."""

    database: Database
    registry: Registry
    stores: Stores
    settler: Settler
    patience: Patience
    events: EventBus
    log: Callable[[Task], FilteringBoundLogger]


class Attempt:
    """One attempt of one task. `run` never raises for what an agent does."""

    def __init__(self, task: Task, tools: Tools) -> None:
        self.task = task
        self.tools = tools
        self.options = AgentOptions()
        self.journal = TaskJournal(tools.database, task.id, task.run_token)
        self.goal_context: dict[str, Any] | None = None
        self.abandoned = False
        self.started_at = time.monotonic()
        self._verdict: Outcome | None = None
        self._lost = False
        self._asked = asyncio.Event()

    def end_with(self, verdict: Cancel | Release) -> None:
        """Cancels the body; the attempt then ends with `verdict`. The first verdict counts."""
        self._verdict = self._verdict or verdict
        self._asked.set()

    def lose(self) -> None:
        """The task is no longer ours: cancels the body, and nothing is written."""
        self._lost = True
        self._asked.set()

    async def run(self) -> None:
        """The whole attempt, to its written end."""
        self.tools.events.emit(TaskStarted(self.task))
        try:
            result, outcome = await self._outcome()
        except Exception as error:  # noqa: BLE001 - no row and no agent may end the runner
            result, outcome = None, judged_error(error)
        if self._lost:
            self._dropped("the runner lost the task while it ran")
            return
        await self._settle(outcome, result)

    async def _outcome(self) -> tuple[Result | None, Outcome]:
        if self.task.task_type == HEALTH_CHECK and self.task.agent is None:
            return None, Done({"ok": True, "run_token": self.task.run_token})
        try:
            chosen = chosen_definition(self.tools.registry, self.task)
            self.options = chosen[1]
            briefing = await self.tools.patience.through(
                lambda: brief(
                    self.tools.database,
                    self.tools.stores,
                    self.task,
                    chosen,
                    self.journal,
                    self.tools.log(self.task),
                )
            )
            self.goal_context = briefing.ctx.goal_context
            return await self._watch(briefing)
        except errors.Fail as error:
            return None, Fail(error.one_line())
        except errors.LeaseLostError:
            self._lost = True
            return None, Fail("lost")

    async def _watch(self, briefing: Briefing) -> tuple[Result | None, Outcome]:
        limit_s = briefing.options.time_limit.total_seconds()
        body = asyncio.get_running_loop().create_task(
            run_body(briefing.definition, briefing.options, briefing.ctx, briefing.input)
        )
        if await self._ended(body, limit_s):
            return self._judged(body)
        return None, self._verdict or Retry(f"the time limit of {limit_s:g} s was exceeded")

    async def _ended(self, work: asyncio.Task[Any], limit_s: float) -> bool:
        """Waits for `work`, its limit, or somebody who asks for the end; False: it was cut off."""
        asked = asyncio.get_running_loop().create_task(self._asked.wait())
        try:
            await asyncio.wait({work, asked}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await self._cut_off(work)
                return False
            return True
        finally:
            asked.cancel()
            work.cancel()

    async def _cut_off(self, body: asyncio.Task[Any]) -> None:
        for patience_s in (CUT_OFF_S, CUT_OFF_S / 5):  # a cancellation can get lost: see end_all
            body.cancel()
            done, _ = await asyncio.wait({body}, timeout=patience_s)
            if done:
                break
        if not body.done():
            self.abandoned = True
        elif not body.cancelled():
            body.exception()  # looked at, so that the loop does not complain

    def _judged(self, body: asyncio.Task[Result]) -> tuple[Result | None, Outcome]:
        if body.cancelled():
            return None, self._verdict or Retry("the agent cancelled itself")
        error = body.exception()
        if error is None:
            try:
                return body.result(), judged_value(body.result().value)
            except Exception as unreadable:  # noqa: BLE001 - whatever the values of a result do
                return None, judged_error(unreadable)
        if isinstance(error, errors.LeaseLostError):
            self._lost = True
        return None, judged_error(error)

    async def _settle(self, outcome: Outcome, result: Result | None) -> None:
        run_ms = int((time.monotonic() - self.started_at) * 1000)
        if result is not None and result.save is not None and isinstance(outcome, Done):
            written, end, outcome = await self._save(result, result.save, run_ms)
        else:
            end, outcome = self._settled(outcome, run_ms)
            written = await self.tools.settler.settle(end)
        if not written:
            self._dropped("the task was taken back, or its end was already written")
            return
        self.tools.events.emit(
            TaskFinished(
                task=self.task,
                outcome=outcome,
                status=end.status,
                run_ms=run_ms,
                error=end.error,
                next_attempt_s=end.delay_s if end.status == "pending" else None,
            )
        )

    def _settled(self, outcome: Outcome, run_ms: int) -> tuple[Settlement, Outcome]:
        """What `outcome` becomes; a result that cannot even be read is an error."""
        try:
            return self._settlement(outcome, run_ms), outcome
        except Exception as error:  # noqa: BLE001 - whatever the values of a result do
            failed = judged_error(error)
            return self._settlement(failed, run_ms), failed

    async def _save(
        self, result: Result, save: Callable[[Any], Any], run_ms: int
    ) -> tuple[bool, Settlement, Outcome]:
        """Watches save_results like the body: it has a time limit, and can be asked to end."""
        saving = asyncio.get_running_loop().create_task(self._save_once(result, save, run_ms))
        used_s = time.monotonic() - self.started_at
        limit_s = max(self.options.time_limit.total_seconds() - used_s, SAVE_LEAST_S)
        outcome: Outcome
        if await self._ended(saving, limit_s):
            try:
                return await saving
            except Exception as error:  # noqa: BLE001 - whatever an agent's code raises
                outcome = judged_error(error)
        else:
            outcome = self._verdict or Retry("save_results exceeded the time limit")
        end, outcome = self._settled(outcome, run_ms)
        return await self.tools.settler.settle(end), end, outcome

    async def _save_once(
        self, result: Result, save: Callable[[Any], Any], run_ms: int
    ) -> tuple[bool, Settlement, Outcome]:
        def end() -> Settlement:
            return self._settlement(judged_value(result.value), run_ms)

        while True:
            try:
                written = await self.tools.settler.settle_alone(self.task, save, end)
                return written, end(), judged_value(result.value)
            except Exception as error:
                if not is_away(error):
                    raise
                # Rolled back, or committed without our knowing: the fence tells which.
                await self.tools.patience.through(self.tools.database.ping)
                await asyncio.sleep(AGAIN_S)

    def _settlement(self, outcome: Outcome, run_ms: int) -> Settlement:
        return settlement(
            self.task,
            outcome,
            backoff=self.options.backoff,
            max_retries=max_retries(self.task, self.options),
            goal_context=self.goal_context,
            metrics={"steps": self.journal.saved_steps},
            run_ms=run_ms,
        )

    def _dropped(self, reason: str) -> None:
        self.tools.events.emit(ResultDropped(self.task, reason))


def judged_value(value: Any) -> Outcome:
    """What a returned value means: an object is the output, {"error": ...} is an error."""
    if value is None:
        return Done({})
    if inspect.isgenerator(value) or inspect.isasyncgen(value) or inspect.iscoroutine(value):
        return Fail(f"the agent returned a {type(value).__name__}: use return, not yield")
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if not isinstance(value, dict):
        return Done({"result": value})
    if not value.get("error"):
        return Done(value)
    if value.get("retry") is False:
        return Fail(str(value["error"]), output=value)
    return Retry(str(value["error"]), output=value)


def judged_error(error: BaseException) -> Outcome:
    """What an exception of an agent means."""
    match error:
        case errors.Fail():
            return Fail(error.one_line())
        case errors.Snooze():
            return Snooze(str(error), until=error.until, after_s=error.after_s)
        case errors.Retry():
            return Retry(str(error), after_s=error.after_s)
        case _:
            return Retry(told(error))


def told(error: BaseException) -> str:
    """Type, message and place of an error: what people read first in `error_message`."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - an error that cannot even be told must not stop the runner
        text = "an error that cannot be shown"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" (line {frames[-1].lineno} of {frames[-1].name})" if frames else ""
    return f"{type(error).__name__}: {text}{place}"
