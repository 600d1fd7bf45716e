"""`run_agent`: another agent of the organisation as a child of the task; its output comes back."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.tools.tool_base import ToolBase, ToolCall


class AgentRun(BaseModel):
    """Which agent, and what it gets."""

    model_config = ConfigDict(extra="forbid")

    agent: str = Field(min_length=1, max_length=150, description="Id, name or type of the agent.")
    payload: dict[str, Any] = Field(default_factory=dict, description="The input of the agent.")


class RunAgentTool(ToolBase):
    """Runs an agent once for a call, and waits for it without holding a slot."""

    def __init__(self) -> None:
        super().__init__(
            "run_agent",
            "Runs another agent of the organisation and answers with its output.",
            AgentRun,
            resumes=True,
        )

    async def run(self, arguments: AgentRun, call: ToolCall) -> Any:
        """The output of the agent."""
        task = call.task_of(self.name)
        return await task.run_agent(arguments.agent, arguments.payload)
