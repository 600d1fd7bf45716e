"""oppspot_runner: a Postgres-backed task runner for AI and business-intelligence agents.

What is named here is the public surface; everything else may change. Names are loaded when they
are first used, so that a command that needs little starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oppspot_runner.agents.context import Context
    from oppspot_runner.agents.definition import Agent
    from oppspot_runner.agents.executor import AgentExecutor, LLMModel
    from oppspot_runner.agents.function import AgentFunction, agent
    from oppspot_runner.agents.options import AgentOptions
    from oppspot_runner.agents.registry import Registry, registry
    from oppspot_runner.agents.result_mapper import ResultMapper, get_result_mapper
    from oppspot_runner.agents.work_time import SoftTimeLimitError
    from oppspot_runner.app.client import AsyncClient, Client
    from oppspot_runner.app.inside import start_task_runner, stop_task_runner
    from oppspot_runner.base.backoff import Backoff
    from oppspot_runner.base.breaker import Breaker
    from oppspot_runner.base.errors import (
        ChildrenFailedError,
        EventTimeoutError,
        Fail,
        OppspotError,
        RateLimitExceededError,
        Retry,
        Snooze,
        SourceError,
    )
    from oppspot_runner.base.events import (
        BreakerClosed,
        BreakerOpened,
        Event,
        TaskFinished,
        TaskStarted,
        on,
    )
    from oppspot_runner.base.tool_errors import ToolExecutionError, ToolNotFoundError
    from oppspot_runner.llm.errors import ContextLengthExceededError
    from oppspot_runner.tools.function import tool
    from oppspot_runner.tools.sandbox import ToolSandbox
    from oppspot_runner.tools.tool_base import ToolBase, ToolCall
    from oppspot_runner.workflow.run_events import RunEvent

__all__ = [
    "Agent",
    "AgentExecutor",
    "AgentFunction",
    "AgentOptions",
    "AsyncClient",
    "Backoff",
    "Breaker",
    "BreakerClosed",
    "BreakerOpened",
    "ChildrenFailedError",
    "Client",
    "Context",
    "ContextLengthExceededError",
    "Event",
    "EventTimeoutError",
    "Fail",
    "LLMModel",
    "OppspotError",
    "RateLimitExceededError",
    "Registry",
    "ResultMapper",
    "Retry",
    "RunEvent",
    "Snooze",
    "SoftTimeLimitError",
    "SourceError",
    "TaskFinished",
    "TaskStarted",
    "ToolBase",
    "ToolCall",
    "ToolExecutionError",
    "ToolNotFoundError",
    "ToolSandbox",
    "agent",
    "get_result_mapper",
    "on",
    "registry",
    "start_task_runner",
    "stop_task_runner",
    "tool",
]

_HOMES = {
    "agents.context": ("Context",),
    "agents.definition": ("Agent",),
    "agents.executor": ("AgentExecutor", "LLMModel"),
    "agents.function": ("AgentFunction", "agent"),
    "agents.options": ("AgentOptions",),
    "agents.registry": ("Registry", "registry"),
    "agents.result_mapper": ("ResultMapper", "get_result_mapper"),
    "agents.work_time": ("SoftTimeLimitError",),
    "app.client": ("AsyncClient", "Client"),
    "app.inside": ("start_task_runner", "stop_task_runner"),
    "base.backoff": ("Backoff",),
    "base.breaker": ("Breaker",),
    "base.errors": (
        "ChildrenFailedError",
        "EventTimeoutError",
        "Fail",
        "OppspotError",
        "RateLimitExceededError",
        "Retry",
        "Snooze",
        "SourceError",
    ),
    "base.events": ("BreakerClosed", "BreakerOpened", "Event", "TaskFinished", "TaskStarted", "on"),
    "base.tool_errors": ("ToolExecutionError", "ToolNotFoundError"),
    "llm.errors": ("ContextLengthExceededError",),
    "tools.function": ("tool",),
    "tools.sandbox": ("ToolSandbox",),
    "tools.tool_base": ("ToolBase", "ToolCall"),
    "workflow.run_events": ("RunEvent",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'oppspot_runner' has no attribute {name!r}")
    value = getattr(import_module(f"oppspot_runner.{_HOME[name]}"), name)
    if name in ("agent", "AgentFunction"):
        import_module("oppspot_runner.agents.function").AgentFunction.enqueuer = _enqueue
    globals()[name] = value
    return value


def _enqueue(*args: Any, **options: Any) -> Any:
    """What `AgentFunction.enqueue` does; the client is loaded when it is first wanted."""
    return import_module("oppspot_runner.app.default_client").enqueue_by_settings(*args, **options)


def __dir__() -> list[str]:
    return sorted(__all__)
