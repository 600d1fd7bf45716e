"""`write_insight`: what an agent noticed, for those who look at the stream of its task."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.tools.tool_base import ToolBase, ToolCall


class Insight(BaseModel):
    """What is written."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,62}$", description="What sort of insight, such as summary."
    )
    title: str = Field(min_length=1, max_length=500, description="The insight in a sentence.")
    evidence: dict[str, Any] = Field(
        default_factory=dict, description="What it rests on: names, numbers, links."
    )


class WriteInsightTool(ToolBase):
    """Writes an insight of the stream. The same again is not written again."""

    def __init__(self) -> None:
        super().__init__(
            "write_insight",
            "Writes down an insight about the stream of the task, for people to read.",
            Insight,
        )

    async def run(self, arguments: Insight, call: ToolCall) -> dict[str, Any]:
        """`{"id": ...}`, of the insight that is there now."""
        task = call.task_of(self.name)
        return {"id": await task.add_insight(**arguments.model_dump())}
