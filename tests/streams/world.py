"""A small world for tests of streams and agents: organisations, streams, companies with facts.

Also drives an agent as the runner does: body first, then save_results in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import structlog

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.ports import ModelCalls, ToolCalls, WebCalls
from oppspot_runner.agents.web import WebAccess
from oppspot_runner.app.wiring import stores_on
from oppspot_runner.base.steps import KeptStep, Step
from oppspot_runner.base.task import AgentRow, StreamRow, Task
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.db.pool import Database


class Steps:
    """A journal that remembers steps from one attempt to the next."""

    def __init__(self) -> None:
        self.remembered: list[KeptStep] = []
        self.said: list[tuple[float, float | None, str | None]] = []

    async def progress(self, done: float, total: float | None, message: str | None) -> None:
        self.said.append((done, total, message))

    async def steps(self) -> list[KeptStep]:
        return list(self.remembered)

    async def remember(self, step: Step, result: Any) -> None:
        self.remembered.append(KeptStep(step, result))


class World:
    """Rows in the test's own database, and agents that run over them."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.agents: dict[tuple[str, UUID | None], AgentRow] = {}

    async def one(self, query: str, *values: Any) -> dict[str, Any]:
        row = await self.db.fetch_one(query, values)
        assert row is not None
        return row

    async def all(self, query: str, *values: Any) -> list[dict[str, Any]]:
        return await self.db.fetch_all(query, values)

    async def organisation(self) -> UUID:
        return (await self.one("INSERT INTO organizations DEFAULT VALUES RETURNING id"))["id"]

    async def stream(
        self,
        criteria: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        org_id: UUID | None = None,
    ) -> UUID:
        row = await self.one(
            "INSERT INTO streams (org_id, name, goal_criteria, target_metrics)"
            " VALUES (%s, 'test', %s, %s) RETURNING id",
            org_id,
            json.dumps(criteria or {}),
            json.dumps(metrics or {}),
        )
        return row["id"]

    async def company(
        self,
        name: str,
        *,
        org_id: UUID | None = None,
        source: str = "import:test",
        confidence: float = 0.6,
        facts: bool = True,
        **values: Any,
    ) -> UUID:
        """A company, and a fact for each of its values."""
        given = {"name": name, "name_norm": normalise_name(name), **values}
        columns = ", ".join(["org_id", *given])
        places = ", ".join(["%s"] * (len(given) + 1))
        row = await self.one(
            f"INSERT INTO companies ({columns}) VALUES ({places}) RETURNING id",
            org_id,
            *(json.dumps(v) if isinstance(v, dict) else v for v in given.values()),
        )
        for field in values if facts else ():
            await self.fact(row["id"], field, values[field], source, confidence, org_id=org_id)
        return row["id"]

    async def fact(
        self,
        company_id: UUID,
        field: str,
        value: Any,
        source: str = "import:test",
        confidence: float = 0.6,
        *,
        org_id: UUID | None = None,
        age: timedelta = timedelta(0),
    ) -> None:
        await self.db.execute(
            "INSERT INTO facts (company_id, org_id, field, value, source, confidence, observed_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, oppspot_now() - %s)",
            (company_id, org_id, field, json.dumps(value, default=str), source, confidence, age),
        )

    async def item(self, stream_id: UUID, company_id: UUID) -> UUID:
        row = await self.one(
            "INSERT INTO stream_items (stream_id, company_id) VALUES (%s, %s) RETURNING id",
            stream_id,
            company_id,
        )
        return row["id"]

    async def agent(self, agent_type: str, org_id: UUID | None = None) -> AgentRow:
        """The agent row of that type, made when it is first asked for."""
        if (agent_type, org_id) not in self.agents:
            row = await self.one(
                "INSERT INTO ai_agents (agent_type, name, org_id) VALUES (%s, %s, %s) RETURNING id",
                agent_type,
                agent_type,
                org_id,
            )
            self.agents[agent_type, org_id] = AgentRow(row["id"], org_id, agent_type, agent_type)
        return self.agents[agent_type, org_id]

    async def context(
        self,
        kind: type[Agent],
        stream_id: UUID | None,
        *,
        config: Mapping[str, Any] | None = None,
        force: bool = False,
        org_id: UUID | None = None,
        attempt: int = 1,
        steps: Steps | None = None,
        task: Task | None = None,
        web: WebAccess | None = None,
    ) -> Context:
        """What the runner would hand to one attempt of an agent."""
        agent = await self.agent(kind.agent_type, org_id)
        now = (await self.one("SELECT oppspot_now() AS now"))["now"]
        stream = await self._stream_row(stream_id) if stream_id else None
        goal = ("goal_criteria", "target_metrics") if stream else ()
        task = task or Task(
            id=uuid4(), run_token=1, attempt=attempt, execution_id=uuid4(),
            task_type="agent_execution", priority=5, retry_count=0, max_retries=3, crash_count=0,
            org_id=org_id, stream_id=stream_id, run_id=None, agent=agent, payload={},
            created_at=now, started_at=now, wait_ms=0,
        )  # fmt: skip
        return Context(
            task=task,
            agent=agent,
            stream=stream,
            payload={},
            goal_context={name: getattr(stream, name) for name in goal},
            upstream={},
            deadline=now + timedelta(minutes=5),
            _log=structlog.get_logger,
            journal=steps or Steps(),
            _model_calls=cast(ModelCalls, None),  # none of these agents makes one
            _tool_calls=cast(ToolCalls, None),
            http=web or WebAccess(cast(WebCalls, None)),
            execution_config=dict(config or {}),
            force_execute=force,
            stores=stores_on(self.db, task, stream_id),
        )

    async def _stream_row(self, stream_id: UUID) -> StreamRow:
        row = await self.one("SELECT * FROM streams WHERE id = %s", stream_id)
        return StreamRow(
            row["id"], row["org_id"], row["name"], row["goal_criteria"], row["target_metrics"]
        )

    async def run(
        self, kind: type[Agent], stream_id: UUID | None, **options: Any
    ) -> dict[str, Any]:
        """One attempt of an agent to its written end; its results."""
        ctx = await self.context(kind, stream_id, **options)
        return await finish(self.db, *await begin(kind, ctx))


async def begin(kind: type[Agent], ctx: Context) -> tuple[Agent, Context, dict[str, Any]]:
    """The body of an attempt."""
    agent = kind(ctx)
    state = agent.create_initial_state(ctx)
    assert isinstance(state, dict)
    return agent, ctx, await agent.execute_agent(state)


async def finish(
    db: Database, agent: Agent, ctx: Context, results: dict[str, Any]
) -> dict[str, Any]:
    """The finishing transaction of an attempt."""
    async with db.transaction() as tx:
        assert await agent.save_results(ctx, tx, results) is True
    return results
