"""How an agent is written: the class template."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import Any, ClassVar

from pydantic import BaseModel

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.result_mapper import ResultMapper


class Agent(ABC):
    """An agent as a class. Naming `agent_type` registers it when the module is imported.

    A new instance serves each attempt; `self.ctx` is its Context. `input_model` validates the
    payload before the run and is then `self.input`.
    """

    agent_type: ClassVar[str] = ""
    options: ClassVar[AgentOptions] = AgentOptions()
    input_model: ClassVar[type[BaseModel] | None] = None
    mapper: ClassVar[ResultMapper | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Registers a class that names its own agent_type."""
        super().__init_subclass__(**kwargs)
        if cls.__dict__.get("agent_type"):
            from oppspot_runner.agents.registry import registry

            registry.register(cls)

    def __init__(self, ctx: Context, input: BaseModel | None = None) -> None:
        self.ctx = ctx
        self.input = input

    def create_initial_state(self, ctx: Context) -> dict[str, Any] | Awaitable[dict[str, Any]]:
        """What `execute_agent` is given. May be `async def`. By default the payload."""
        return dict(ctx.payload)

    @abstractmethod
    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        """Does the work and returns its results, or {"error": "..."} (retried unless it holds
        `"retry": false`)."""

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        """Writes results inside the finishing transaction; by default through `mapper`."""
        if self.mapper is None:
            return True
        return await self.mapper.save_results(ctx, tx, results)

    @classmethod
    def saves_results(cls) -> bool:
        """Whether this class has anything to save, so that its attempts settle alone."""
        return cls.mapper is not None or cls.save_results is not Agent.save_results
