"""A view of tasks as an address holds it: what people chose, to be shared, kept and changed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from pydantic import BaseModel, field_validator

from oppspot_runner.api.reads.tasks import TaskFilter
from oppspot_runner.base.task import TaskStatus


class TaskView(BaseModel):
    """What is chosen among tasks; fields that a form left empty do not matter."""

    status: TaskStatus | None = None
    q: str | None = None
    agent: UUID | None = None
    type: str | None = None
    stream: UUID | None = None
    run: UUID | None = None
    parent: UUID | None = None
    runner: int | None = None
    org: UUID | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _chosen(cls, value: Any) -> Any:
        return (value.strip().replace("\0", "") or None) if isinstance(value, str) else value

    def wanted(self) -> TaskFilter:
        """The filter that it stands for."""
        return TaskFilter(
            statuses=(self.status,) if self.status else (),
            task_type=self.type,
            agent_id=self.agent,
            stream_id=self.stream,
            run_id=self.run,
            parent_id=self.parent,
            runner_id=self.runner,
            org_id=self.org,
            text=self.q,
        )

    def chosen(self) -> dict[str, str]:
        """What is chosen, by the names of the address."""
        values = {name: getattr(self, name) for name in TaskView.model_fields}
        return {name: str(value) for name, value in values.items() if value is not None}

    def address(self, **other: Any) -> str:
        """The page of tasks with this view, but `other` values; None takes one away."""
        values = {name: value for name, value in {**self.chosen(), **other}.items() if value}
        return f"tasks?{urlencode(values)}" if values else "tasks"
