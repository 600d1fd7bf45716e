"""Calls of language models that cost money: held against budgets, written down, remembered once.

It is what the agents' port `ModelCalls` stands for. A call has a row in `model_calls` before it is
made; its end, what it cost and the step with its answer are written in one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from time import monotonic
from typing import Any, TypeAlias
from uuid import UUID, uuid4

from pydantic import SecretStr

from oppspot_runner.base.errors import LeaseLostError
from oppspot_runner.base.events import ModelCalled, Tell, tell_nobody
from oppspot_runner.base.jsonsafe import dumps
from oppspot_runner.base.steps import Step
from oppspot_runner.base.task import Task
from oppspot_runner.base.tool_errors import BudgetHeldError
from oppspot_runner.db.pool import Connection
from oppspot_runner.limits import budgets
from oppspot_runner.limits.budgets import TaskLimit, task_limit
from oppspot_runner.llm import errors
from oppspot_runner.llm.access import key_in_environment
from oppspot_runner.llm.kept_answers import answer_of, fingerprint, kept_answer, kept_fault
from oppspot_runner.llm.messages import JsonObject, ModelRequest, Reply, TextChunk, Usage
from oppspot_runner.llm.model import LanguageModel
from oppspot_runner.llm.models import Models
from oppspot_runner.queue.journal import TaskJournal, step_columns
from oppspot_runner.queue.result_cache import SharedResultCache
from oppspot_runner.queue.settlement import Metrics

# The key that an agent, named by its id, has stored for a provider.
StoredKey: TypeAlias = Callable[[UUID, str], Awaitable[SecretStr | None]]

# After these nobody knows what was made of the answer, and what the provider charges for it.
UNKNOWN_END = (errors.ProviderTimeoutError, errors.AnswerCutError, errors.BadAnswerError)

CACHED = "*model"  # what keys of answers begin with; no tool has such a name


@dataclass
class Spent:
    """What the calls of an attempt have used; `cost` is None once that of one is not known."""

    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: Decimal | None = Decimal(0)

    def add(self, usage: Usage, cost: Decimal | None) -> None:
        """One more call."""
        self.calls += 1
        self.usage += usage
        self.cost = None if self.cost is None or cost is None else self.cost + cost

    def metrics(self) -> Metrics:
        """As numbers of the attempt."""
        return {
            "model_calls": self.calls,
            "tokens": self.usage.total,
            "cost_usd": None if self.cost is None else float(self.cost),
        }


@dataclass(frozen=True)
class CallEnd:
    """How a call ended. `kept` is what its step is to remember, if anything."""

    status: str
    usage: Usage
    cost: Decimal | None
    code: str | None = None
    kept: JsonObject | None = None

    def columns(self) -> dict[str, Any]:
        """As columns of model_calls."""
        tokens = {f"{kind}_tokens": count for kind, count in vars(self.usage).items()}
        cost = None if self.cost is None else f"{self.cost:f}"
        return {**tokens, "status": self.status, "cost_usd": cost, "error_code": self.code}


class PaidCalls:
    """The calls of one attempt of `task`. It belongs to the runner's loop."""

    def __init__(
        self,
        models: Models,
        task: Task,
        journal: TaskJournal,
        stream_id: UUID | None,
        stored_key: StoredKey,
        tell: Tell = tell_nobody,
    ) -> None:
        self.models = models
        self.tell = tell
        self.task = task
        self.journal = journal
        self.stream_id = stream_id
        self.stored_key = stored_key
        self.spent = Spent()
        self._open = 0
        self._one_ended = asyncio.Event()  # a new one after each end
        self._dropped: set[UUID] = set()

    async def ask(
        self, model: str, request: ModelRequest, *, step: Step, stream: bool = True
    ) -> Reply:
        """The answer of `model`, kept as the result of `step`.

        With `stream` its words go out as events of the run while they come. Raises ModelError,
        BudgetExceededError and PriceUnknownError, BudgetHeldError when what is left of a budget is
        held by others, and LeaseLostError.
        """
        found = await self._find(model)
        if request.cached_for_s is None:
            return await self._paid(found, request, step, stream)
        cache = SharedResultCache(self.journal.database, self.journal.through)
        key = f"{CACHED}:{self.task.org_id} {fingerprint(str(found.name), request)}"
        kept = await cache.get(key)
        if kept is not None:
            return await self._for_nothing(answer_of(kept), step, stream)
        reply = await self._paid(found, request, step, stream)
        await cache.put(key, kept_answer(reply), request.cached_for_s)
        return reply

    async def _for_nothing(self, earlier: Reply, step: Step, stream: bool) -> Reply:
        """An answer that was paid by another call."""
        reply = replace(earlier, usage=Usage(), cost=Decimal(0))
        if stream and reply.text:
            await self.journal.emit("output_chunk", {"chunk": reply.text})
        await self.journal.remember(step, kept_answer(reply))
        return reply

    async def _paid(
        self, found: LanguageModel, request: ModelRequest, step: Step, stream: bool
    ) -> Reply:
        call_id = await self._begin(found, request, step)
        began = monotonic()
        try:
            reply = await self._answer(found, request, stream)
            end = CallEnd("finished", reply.usage, reply.cost, kept=kept_answer(reply))
            self._tell(found, monotonic() - began, end)
            await self._end(call_id, step, end)
        except errors.ModelError as error:
            end = self._failed(found, error)
            self._tell(found, monotonic() - began, end)
            await self._end(call_id, step, end)
            raise
        except BaseException:
            self._dropped.add(call_id)
            raise
        finally:
            self._released()
        return reply

    async def replayed(self) -> None:
        """Notes that an answer was kept: what the attempt spends is known, also when it is nothing.

        What its agent says in the output may be the cost of all attempts.
        """
        self.journal.spent = self.spent.metrics()

    async def _find(self, model: str) -> LanguageModel:
        script = self._configuration.get("script", ())
        provider = self.models.names.find(model).provider
        key = None if provider == "mock" else await self._key(provider)
        return self.models.find(model, api_key=key, script=script)

    async def _key(self, provider: str) -> SecretStr | None:
        """The agent's own key: that of the variable which it names, else the stored one."""
        agent, variable = self.task.agent, self._configuration.get("api_key_env")
        if variable is not None:
            return key_in_environment(variable)
        if agent is None:
            return None
        return await self.journal.through(lambda: self.stored_key(agent.id, provider))

    @property
    def _configuration(self) -> dict[str, Any]:
        agent = self.task.agent
        return {} if agent is None else agent.configuration

    async def _begin(self, found: LanguageModel, request: ModelRequest, step: Step) -> UUID:
        """Holds what the call may cost. What own calls hold is waited for here, and in no queue."""
        call_id = uuid4()
        call = self._columns(call_id) | self._facts(found, request, step)
        limit = task_limit(self._configuration)
        while True:
            ended = self._one_ended
            try:
                await self._hold(call, limit)
                return call_id
            except BudgetHeldError:
                if not self._open:
                    raise
                await ended.wait()

    async def _hold(self, call: dict[str, Any], limit: TaskLimit) -> None:
        dropped = set(self._dropped)
        await self._fenced(lambda tx: budgets.begin_call(tx, call, limit, sorted(dropped)))
        self._dropped -= dropped
        self._open += 1

    def _released(self) -> None:
        self._open -= 1
        self._one_ended.set()
        self._one_ended = asyncio.Event()

    async def _answer(self, found: LanguageModel, request: ModelRequest, stream: bool) -> Reply:
        if not stream or self.journal.tell is None:
            return await found.ask(request)
        async with found.stream(request) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, Reply):
                    return chunk
                if isinstance(chunk, TextChunk):
                    await self.journal.emit("output_chunk", {"chunk": chunk.text})
        raise errors.AnswerCutError("the stream ended without an answer")

    def _failed(self, found: LanguageModel, error: errors.ModelError) -> CallEnd:
        if error.usage is None:
            if isinstance(error, UNKNOWN_END):
                return CallEnd("lost", Usage(), None, error.code)
            return CallEnd("failed", Usage(), Decimal(0), error.code)
        kept = None
        if isinstance(error, errors.OutputSchemaError) and error.reply is not None:
            kept = kept_fault(error, self.task.retry_count)
        cost = found.prices.cost(found.name, error.usage)
        return CallEnd("failed", error.usage, cost, error.code, kept)

    def _tell(self, found: LanguageModel, took_s: float, end: CallEnd) -> None:
        name, used = found.name, vars(end.usage)
        called = ModelCalled(self.task, name.provider, name.model, took_s, used, end.cost, end.code)
        self.tell(called)

    async def _end(self, call_id: UUID, step: Step, end: CallEnd) -> None:
        call = {**self._columns(call_id), **end.columns()}
        place = {**step_columns(step), "task_id": self.task.id, "attempt": self.task.attempt}
        result = None if end.kept is None else dumps(end.kept)
        await self._fenced(lambda tx: budgets.end_call(tx, call, place, result))
        self.spent.add(end.usage, end.cost)
        self.journal.saved_steps += end.kept is not None
        self.journal.spent = self.spent.metrics()

    async def _fenced(self, write: Callable[[Connection], Awaitable[bool]]) -> None:
        """Writes, by one statement. Raises LeaseLostError when the task is no longer ours."""

        async def once() -> bool:
            async with self.journal.database.connection() as connection:
                return await write(connection)

        if not await self.journal.through(once):
            raise LeaseLostError(f"task {self.task.id} is no longer this attempt's")

    def _columns(self, call_id: UUID) -> dict[str, Any]:
        task = self.task
        return {"id": str(call_id), "task_id": str(task.id), "run_token": task.run_token}

    def _facts(self, found: LanguageModel, request: ModelRequest, step: Step) -> dict[str, Any]:
        task = self.task
        estimate = found.prices.estimate(found.name, request)
        return {
            "attempt": task.attempt,
            "agent_id": None if task.agent is None else str(task.agent.id),
            "stream_id": None if self.stream_id is None else str(self.stream_id),
            "org_id": None if task.org_id is None else str(task.org_id),
            "step": step_columns(step)["name"],
            "seq": step.seq,
            "model": str(found.name),
            "estimate_usd": None if estimate is None else f"{estimate:f}",
            "price_list": found.prices.version,
        }
