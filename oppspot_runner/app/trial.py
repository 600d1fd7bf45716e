"""Tests of agents: one attempt at once, in this process, of which nothing is kept.

An agent is run with what a runner would run it with, and without a task: what it writes goes into a
transaction that is never committed, what it would wait for ends it, and tools that do something
are not called. Only what it asks of models is on the books, since it was paid, and counts against
budgets; and what it asks of the outside counts against rates.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from oppspot_runner.agents.registry import Registry
from oppspot_runner.agents.variants import varied
from oppspot_runner.app.agent_keys import find as find_key
from oppspot_runner.app.tools import RunnerTools
from oppspot_runner.app.trial_parts import TrialJournal, TrialTools
from oppspot_runner.app.web import RunnerWeb
from oppspot_runner.app.wiring import stores_on
from oppspot_runner.backends.inline import Inline
from oppspot_runner.backends.threads import Threads
from oppspot_runner.base import errors
from oppspot_runner.base.jsonsafe import clean, clean_text
from oppspot_runner.base.outcome import Cancel, Done, Fail, Outcome, Release, Retry, Snooze
from oppspot_runner.base.redact import redact
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.task import DEFAULT_TASK_TYPE, AgentRow, Task
from oppspot_runner.db.pool import Database
from oppspot_runner.db.shadow import ShadowDatabase
from oppspot_runner.db.through import at_once
from oppspot_runner.llm.models import Models
from oppspot_runner.llm.paid_calls import PaidCalls
from oppspot_runner.observe.logging import task_log
from oppspot_runner.runner import briefing
from oppspot_runner.runner.briefing import Ports, Surroundings

MOST_TEST_S = 60.0
MOST_ERROR = 10_000  # characters
NO_TOKEN = NO_RUNNER = 0  # no attempt has that token; the books know tests by it


@dataclass(frozen=True)
class Trial:
    """What came of a test: an output, or an error, which begins with its code where it has one.

    `tool` is the one whose failure the error tells of; `cost_usd` is None where a price is unknown.
    """

    output: dict[str, Any] | None
    error: str | None
    tool: str | None
    tokens: int
    cost_usd: float | None
    at: datetime

    @property
    def history(self) -> list[Any]:
        """The conversation, where the agent had one."""
        said = (self.output or {}).get("conversation_history")
        return said if isinstance(said, list) else []


def agent_of(row: Mapping[str, Any], org_id: UUID | None = None) -> AgentRow:
    """The agent of a row of the directory, as it works for `org_id`, by default its own."""
    return AgentRow(
        id=row["id"],
        org_id=org_id or row["org_id"],
        name=row["name"],
        agent_type=row["agent_type"],
        configuration=row["configuration"],
        timezone=row["schedule_timezone"] or "UTC",
    )


async def try_agent(
    database: Database,
    settings: Settings,
    registry: Registry,
    agent: AgentRow,
    payload: Mapping[str, Any],
) -> Trial:
    """Runs an agent with a payload, whether it is active or not, for a minute at most.

    It sees what the organisation of `agent` sees. Raises what the database raises.
    """
    try:
        task, _ = varied(_task(agent, payload))
        async with Bench.of(task, database, settings) as bench:
            return await bench.trial(registry)
    except errors.Fail as error:
        return _judged(Fail(error.one_line()))


@dataclass
class Bench:
    """What a test needs. `shadow` takes what the agent writes, and `paid` keeps the books."""

    task: Task
    shadow: Database
    paid: PaidCalls
    tools: TrialTools
    web: RunnerWeb
    journal: TrialJournal

    @classmethod
    @asynccontextmanager
    async def of(cls, task: Task, database: Database, settings: Settings) -> AsyncIterator[Bench]:
        """Everything for one test; given back at its end."""
        async with ShadowDatabase(database) as shadow, Models(settings) as models:
            tools = RunnerTools(database, at_once, settings)
            web = RunnerWeb(database, at_once, settings)
            journal = TrialJournal(shadow, task, through=at_once)
            books = TrialJournal(database, task, through=at_once)
            key = partial(find_key, database, settings)
            paid = PaidCalls(models, task, books, None, key)
            try:
                yield cls(task, shadow, paid, TrialTools(tools, task, journal), web, journal)
            finally:
                await tools.stop()
                await web.stop()

    async def trial(self, registry: Registry) -> Trial:
        """What came of it. Raises errors.Fail."""
        try:
            async with asyncio.timeout(MOST_TEST_S):
                outcome = await self._attempt(registry)
        except TimeoutError:
            outcome = Fail(f"the test was not over after {MOST_TEST_S:g} s")
        spent = self.paid.spent
        cost = None if spent.cost is None else float(spent.cost)
        judged = _judged(outcome, tokens=spent.usage.total, cost_usd=cost)
        code = (judged.error or "").partition(":")[0]
        return replace(judged, tool=self.tools.failed_with(code))

    async def _attempt(self, registry: Registry) -> Outcome:
        definition, options = chosen = briefing.chosen_definition(registry, self.task)
        around = Surroundings(await briefing.stream_of(self.shadow, self.task))
        log = partial(task_log, self.task, NO_RUNNER)
        told = briefing.brief(self._ports(), self.task, chosen, around, self.journal, log)
        inline = definition.isolation(options) == "inline"
        result = await (Inline() if inline else Threads()).run(told)
        return result.each[0] if result.each else result.outcome

    def _ports(self) -> Ports:
        return Ports(
            stores=partial(stores_on, self.shadow),
            models=lambda *_: self.paid,
            tools=lambda *_: self.tools,
            web=lambda task, _: self.web.of(task, None),
            sources=self.web.sources,
        )


def _judged(outcome: Outcome, *, tokens: int = 0, cost_usd: float | None = 0.0) -> Trial:
    output, error = None, None
    match outcome:
        case Done():
            output = clean(outcome.output)
        case Fail() | Retry():
            error = outcome.error
        case Snooze() | Cancel() | Release():
            error = f"the agent did not come to an end: {outcome.reason}"
    told = None if error is None else redact(clean_text(error, most=MOST_ERROR))
    return Trial(output, told, None, tokens, cost_usd, datetime.now(UTC))


def _task(agent: AgentRow, payload: Mapping[str, Any]) -> Task:
    now = datetime.now(UTC)
    return Task(
        id=uuid4(),
        run_token=NO_TOKEN,
        attempt=1,
        execution_id=uuid4(),
        task_type=DEFAULT_TASK_TYPE,
        priority=5,
        retry_count=0,
        max_retries=0,
        crash_count=0,
        org_id=agent.org_id,
        stream_id=None,
        run_id=None,
        agent=replace(agent, is_active=True),
        payload=dict(payload),
        created_at=now,
        started_at=now,
        wait_ms=0,
    )
