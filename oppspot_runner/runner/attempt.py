"""One attempt: brief, run, decide, settle. It always comes to an end, whatever its agent does.

All of it happens in one asyncio task, to the moment when the end waits to be written. A body that
ignores its cancellation is left behind in that task; the fence keeps it from writing anything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import partial
from typing import Any

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.registry import Definition
from oppspot_runner.agents.variants import varied
from oppspot_runner.backends.backend import Briefing, Result
from oppspot_runner.backends.judging import CANCELLED_ITSELF, judged_error, judged_value
from oppspot_runner.base import errors, tracing
from oppspot_runner.base.events import ResultDropped, ResultsSaved, TaskFinished, TaskStarted
from oppspot_runner.base.outcome import Cancel, Done, Fail, Outcome, Release, Retry
from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import is_away
from oppspot_runner.queue.handoffs import Adopted
from oppspot_runner.queue.journal import TaskJournal
from oppspot_runner.queue.settlement import Settlement, settlement
from oppspot_runner.runner.batch import Batch
from oppspot_runner.runner.briefing import (
    Surroundings,
    begin,
    brief,
    chosen_definition,
    max_retries,
    surroundings,
)
from oppspot_runner.runner.cut_off import CutOff, CutOffError
from oppspot_runner.runner.strangers import left_to_others
from oppspot_runner.runner.tools import Tools

SAVE_LEAST_S = 10.0  # for save_results, however long the body took
AGAIN_S = 0.2
LOST = "the runner lost the task while it ran"
SAVE_TOO_LONG = "save_results exceeded the time limit"

# The token of the attempt on whose behalf code runs; whatever a body starts inherits it.
RUNNING: ContextVar[int] = ContextVar("oppspot_running")


class Attempt:
    """One attempt of one task. `on_ending(attempt)` is called when a good end waits to be
    written, `on_end(attempt)` once, when all of it is over."""

    def __init__(
        self,
        task: Task,
        tools: Tools,
        on_ending: Callable[[Attempt], None],
        on_end: Callable[[Attempt], None],
        batch: Batch | None = None,
        adopted: Adopted | None = None,
    ) -> None:
        self.task = task
        self.tools = tools
        self.batch = batch
        self.adopted = adopted
        self.options = AgentOptions()
        self.journal = TaskJournal(
            tools.database, task, through=tools.patience.through, writer=tools.event_writer
        )
        self.ctx: Context | None = None
        self.cut_off = CutOff()
        self.comes_back = False
        self.holds_slot = True
        self.in_loop = False  # whether code of the agent runs in the event loop now
        self.ending = False  # whether it is ours is now for the fence to say
        self.started_at = time.monotonic()
        self.fault: BaseException | None = None  # of ours: no agent can bring it about
        self._task: asyncio.Task[None] | None = None
        self._token = task.run_token if batch is None else batch.token
        self._ran_before_s = adopted.ran_s if adopted else 0.0
        self._on_ending = on_ending
        self._on_end = on_end
        self._verdict: Outcome | None = None
        self._lost = ""  # why nothing is to be written
        self._is_over = False
        self._concluded = False
        self._saves = False

    def end_with(self, verdict: Cancel | Release) -> None:
        """Cuts off the body; the attempt then ends with `verdict`. The first verdict counts."""
        self._verdict = self._verdict or verdict
        self.cut_off.cut(self._go_on_without_it)

    def lose(self, reason: str = LOST) -> None:
        """The task is no longer ours: cuts off the body, and nothing is written.

        An end that waits to be written is not waited for: what becomes of it is for the fence.
        """
        self._lost = self._lost or reason
        self.cut_off.cut(self._go_on_without_it)
        if self._concluded and not self._is_over:
            self._drop("the runner lost the task while its end was written", lost=True)

    def is_run_by(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether `task` runs the body of this attempt, or what that started (Python 3.12)."""
        if task is None:
            return False
        inherited = getattr(task, "get_context", None)
        token = inherited().get(RUNNING) if inherited is not None else None
        call = self.cut_off.working if self.batch is None else self.batch.call
        return task is call or token == self._token

    def end_for(self, verdict: Outcome) -> Settlement:
        """How the attempt would end with `verdict` now."""
        return self._settled(verdict, self._run_ms())[0]

    def start(self, turn: Callable[[], Coroutine[Any, Any, object]] | None = None) -> None:
        """Begins. One that runs alone waits for its `turn` first."""
        self._task = asyncio.get_running_loop().create_task(self._run(turn))

    async def _run(self, turn: Callable[[], Coroutine[Any, Any, object]] | None = None) -> None:
        """Never raises for what an agent does. A fault of ours ends it, too, and is kept."""
        try:
            RUNNING.set(self._token)
            result = await self._guarded(self._work(turn))
            if result.saver is not None and isinstance(result.outcome, Done):
                result = await self._save(result)
            self._conclude(result.outcome)
        except BaseException as fault:  # noqa: BLE001 - the loop looks at it
            self.fault = fault
            self._over()

    async def _guarded(self, work: Coroutine[Any, Any, Result]) -> Result:
        try:
            return await self.cut_off.guard(work)
        except CutOffError:
            return Result(self._cut_off_outcome())
        except asyncio.CancelledError:
            return Result(Retry(CANCELLED_ITSELF))
        except errors.Fail as error:
            return Result(Fail(error.one_line()))
        except errors.LeaseLostError as error:
            self._lost = LOST
            return Result(Release(str(error)))
        except Exception as error:  # noqa: BLE001 - no row and no agent may end the runner
            return Result(judged_error(error))
        finally:
            self.in_loop = False

    def _cut_off_outcome(self) -> Outcome:
        too_long = f"the time limit of {self.options.time_limit.total_seconds():g} s was exceeded"
        return self._verdict or Retry(SAVE_TOO_LONG if self._saves else too_long)

    def _go_on_without_it(self) -> None:
        self.in_loop = False
        self._conclude(self._cut_off_outcome())

    async def _work(self, turn: Callable[[], Coroutine[Any, Any, object]] | None) -> Result:
        if turn is not None:
            await turn()
            if not await self.tools.patience.through(lambda: begin(self.tools.database, self.task)):
                raise errors.LeaseLostError("the task was taken back before its turn came")
            self.started_at = time.monotonic()
        self.tools.events.emit(TaskStarted(self.task))
        self.journal.traceparent = tracing.CURRENT.get()
        if self.task.is_health_check:
            return Result(Done({"ok": True, "run_token": self.task.run_token}))
        if (release := await left_to_others(self.tools, self.task)) is not None:
            return Result(release)
        self.task, self.journal.variant = varied(self.task)
        self.journal.task = self.task
        definition, self.options = chosen = chosen_definition(self.tools.registry, self.task)
        briefing = await self._brief(chosen)
        self.ctx = briefing.ctx
        isolation = definition.isolation(self.options)
        place = self.tools.places.find(isolation, self.adopted)
        if self.batch is not None:
            await self.batch.join(briefing, self.lose)
        left_s = max(self.options.time_limit.total_seconds() - self._ran_before_s, 0.0)
        self.cut_off.limit(left_s, self._go_on_without_it)
        self.in_loop = isolation == "inline"
        async with self.journal:
            batch, token = self.batch, self.task.run_token
            result = await (batch.run(token, place) if batch else place.run(briefing))
        self.journal.count(*result.metrics)
        return result

    async def _brief(self, chosen: tuple[Definition, AgentOptions]) -> Briefing:
        tools, task = self.tools, self.task
        around = Surroundings()
        if task.is_for_stream:
            around = await tools.patience.through(lambda: surroundings(tools.database, task))
        log = partial(tools.log, task, self.journal)
        return brief(tools.ports, task, chosen, around, self.journal, log)

    def _conclude(self, outcome: Outcome) -> None:
        """Hands the end on to be written, if the task is still ours. The first call counts."""
        if self._concluded:
            return
        self._concluded = self.ending = True
        if self.batch is not None:
            self.batch.leave(self.task.run_token)
        if self._lost:
            self._drop(self._lost, lost=True)
            return
        end, outcome = self._settled(outcome, self._run_ms())
        self.tools.settler.settle(end, partial(self._written, end, outcome))
        if end.status == "completed" and not self._is_over:
            self._on_ending(self)

    def _written(self, end: Settlement, outcome: Outcome, written: bool) -> None:
        if self._is_over:
            return
        if not written:
            self._drop("the task was taken back, or its end was already written")
            return
        self.comes_back = end.status == "pending"
        self.tools.events.emit(
            TaskFinished(
                task=self.task,
                outcome=outcome,
                status=end.status,
                run_ms=end.run_ms,
                error=end.error,
                next_attempt_s=end.delay_s if end.status == "pending" else None,
                spent=self.journal.spent,
                summary=end.summary or {},
            )
        )
        self._over()

    def _drop(self, reason: str, *, lost: bool = False) -> None:
        self.tools.events.emit(ResultDropped(self.task, reason, lost))
        self._over()

    def _over(self) -> None:
        if not self._is_over:
            self._is_over = self._concluded = True
            self.journal.close()
            self._on_end(self)

    def _run_ms(self) -> int:
        return int((time.monotonic() - self.started_at + self._ran_before_s) * 1000)

    def _settled(self, outcome: Outcome, run_ms: int) -> tuple[Settlement, Outcome]:
        """What `outcome` becomes; a result that cannot even be read is an error."""
        try:
            return self._settlement(outcome, run_ms), outcome
        except Exception as error:  # noqa: BLE001 - whatever the values of a result do
            failed = judged_error(error)
            return self._settlement(failed, run_ms), failed

    async def _save(self, result: Result) -> Result:
        """Watches save_results like the body: it has a time limit, and can be asked to end."""
        self._saves = self.ending = self.in_loop = True
        run_ms = self._run_ms()
        left_s = self.options.time_limit.total_seconds() - run_ms / 1000
        self.cut_off.limit(max(left_s, SAVE_LEAST_S), self._go_on_without_it)
        saved = await self._guarded(self._saved(result, run_ms))
        if isinstance(saved.outcome, Retry | Fail):
            self.tools.events.emit(ResultsSaved(self.task, saved.outcome.error))
        return saved

    async def _saved(self, result: Result, run_ms: int) -> Result:
        assert self.ctx is not None
        save = partial(result.save, self.ctx)

        def end() -> Settlement:
            return self._settlement(judged_value(result.value), run_ms)

        def tell(written: bool) -> None:
            if written:
                self.tools.events.emit(ResultsSaved(self.task))
            self._written(end(), judged_value(result.value), written)

        while not self._is_over:
            try:
                await self.tools.settler.settle_alone(self.task, save, end, tell)
            except Exception as error:
                if not is_away(error):
                    raise
                # Rolled back, or committed without our knowing: the fence tells which.
                await self.tools.patience.through(self.tools.database.ping)
                await asyncio.sleep(AGAIN_S)
        return result

    def _settlement(self, outcome: Outcome, run_ms: int) -> Settlement:
        return settlement(
            self.task,
            outcome,
            backoff=self.options.backoff,
            max_retries=max_retries(self.task, self.options),
            breaker=self.options.breaker,
            goal_context=self.ctx.goal_context if self.ctx else None,
            metrics=self.journal.metrics(),
            run_ms=run_ms,
        )
