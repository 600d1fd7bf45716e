"""What tools may do for the task whose agent calls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from oppspot_runner.agents.children import outputs, payloads_json
from oppspot_runner.agents.history import without_history
from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ChildrenFailedError, Fail, InvalidInputError
from oppspot_runner.base.jsonsafe import clean
from oppspot_runner.base.steps import Step
from oppspot_runner.base.task import Task
from oppspot_runner.base.tool_errors import ToolArgumentsError, ToolExecutionError
from oppspot_runner.base.waiting import Suspended
from oppspot_runner.queue.journal import TaskJournal
from oppspot_runner.streams.company_search import CompanyFinder
from oppspot_runner.streams.insights import InsightStore

RUN_AGENT = "run_agent"
WRITE_INSIGHT = "write_insight"
MOST_DEPTH = 5


@dataclass(frozen=True)
class AccessOfTask:
    """Within the organisation of `task`; `step` is that of the call."""

    task: Task
    journal: TaskJournal
    step: Step

    async def search_companies(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A page of companies."""
        finder = CompanyFinder(self.journal.database, self.task.org_id, self._stream_id())
        found: list[dict[str, Any]] = await self.journal.through(lambda: finder.search(wanted))
        cleaned: list[dict[str, Any]] = clean(found)
        return cleaned

    async def add_insight(self, *, kind: str, title: str, evidence: Mapping[str, Any]) -> str:
        """The id of an insight of the task's stream. Raises ToolError for a task without one."""
        stream_id = self._stream_id()
        if stream_id is None:
            raise ToolExecutionError(
                WRITE_INSIGHT, Code.STREAM_NEEDED, "the task of the agent works for no stream"
            )
        store = InsightStore(
            self.journal.database, self.task.org_id, UUID(str(stream_id)), self.task
        )
        return str(await store.add(kind=kind, title=title, evidence=dict(evidence)))

    def _stream_id(self) -> Any:
        return self.task.stream_id or self.task.payload.get("stream_id")

    async def run_agent(self, agent: str, payload: Mapping[str, Any]) -> Any:
        """What a child of the task found. Raises Suspended until there is one; ToolError for an
        agent that does not exist or did not complete, and where too many wait for each other."""
        if await self.journal.depth() > MOST_DEPTH:
            raise ToolExecutionError(
                RUN_AGENT,
                Code.AGENTS_TOO_DEEP,
                f"{MOST_DEPTH} agents wait for each other already, one in the other",
            )
        try:
            given = payloads_json([payload])
        except InvalidInputError as error:
            raise ToolArgumentsError(RUN_AGENT, str(error)) from None
        name = f"children of {self.step.name}"
        try:
            spawned = await self.journal.spawn(agent, name, self.step.seq, given)
        except Fail as error:
            raise ToolExecutionError(RUN_AGENT, Code.AGENT_NOT_FOUND, str(error)) from None
        if not spawned.over:
            raise Suspended(f"for {agent}", spawned.until)
        try:
            (output,) = outputs(spawned.result, 1, return_exceptions=False)
        except ChildrenFailedError as error:
            raise ToolExecutionError(RUN_AGENT, Code.AGENT_FAILED, str(error)) from None
        return without_history(output)
