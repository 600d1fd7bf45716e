"""What an agent may ask of the runner, as protocols. The concrete classes are wired in `app`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from oppspot_runner.base.steps import KeptStep, Step
from oppspot_runner.base.waiting import Awaited
from oppspot_runner.base.web import Asked, Fetched
from oppspot_runner.llm.messages import ModelRequest, Reply


class Journal(Protocol):
    """What an attempt writes about itself while it runs; every write is fenced by its token."""

    async def progress(self, done: float, total: float | None, message: str | None) -> None: ...

    async def emit(self, kind: str, data: Mapping[str, Any]) -> None: ...

    async def steps(self) -> Sequence[KeptStep]: ...

    async def remember(self, step: Step, result: Any) -> None: ...

    async def wait_for_time(
        self, step: str, seq: int, until: datetime | None, after_s: float | None
    ) -> Awaited: ...

    async def wait_for_event(
        self, name: str, step: str, seq: int, timeout_s: float | None
    ) -> Awaited: ...

    async def spawn(self, agent: str, step: str, seq: int, payloads: str) -> Awaited: ...


class ModelCalls(Protocol):
    """Calls of language models on behalf of the task: paid, limited, and remembered."""

    async def ask(
        self, model: str, request: ModelRequest, *, step: Step, stream: bool = True
    ) -> Reply: ...

    async def replayed(self) -> None:
        """Notes that an answer was kept, and costs this attempt nothing."""
        ...


class WebCalls(Protocol):
    """Calls of sources and web sites on behalf of the task."""

    async def fetch(self, asked: Asked) -> Fetched:
        """How a call ended. Raises Fail where the extra for it is not installed."""
        ...


class ToolCalls(Protocol):
    """The tools that the task's agent may call. Both raise Fail for an unusable configuration."""

    async def call(
        self, tool: str, arguments: Any, *, step: Step, raising: bool = False
    ) -> Awaited:
        """The answer of a call, which `step` remembers; or when to look for it again.

        With `raising` an error is raised, and not remembered.
        """
        ...

    async def specs(self, names: Sequence[str] | None) -> Sequence[Mapping[str, Any]]:
        """Name, description and schema of all tools, or of those with these names."""
        ...
