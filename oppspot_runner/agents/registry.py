"""agent_type -> the code that runs it, found by import, entry point or `registry.register`."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any

from pydantic import BaseModel

from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.function import AgentFunction, input_model_of
from oppspot_runner.agents.options import AgentOptions, Isolation, made_options
from oppspot_runner.base.errors import ConfigurationError, OppspotError, UnknownAgentTypeError

ENTRY_POINT_GROUP = "oppspot_runner.agents"


@dataclass(frozen=True)
class Definition:
    """The code of one agent type: a function or an Agent class."""

    agent_type: str
    body: Callable[..., Any] | type[Agent]
    options: AgentOptions
    input_model: type[BaseModel] | None
    wants_input: bool = True

    @cached_property
    def is_async(self) -> bool:
        """Whether its body runs in the event loop by default."""
        return isinstance(self.body, type) or inspect.iscoroutinefunction(self.body)

    def isolation(self, options: AgentOptions) -> Isolation:
        """Where its body runs, with these options."""
        return options.isolation or ("inline" if self.is_async else "thread")

    @property
    def saves_results(self) -> bool:
        """Whether it writes inside the finishing transaction."""
        return (
            isinstance(self.body, type)
            and issubclass(self.body, Agent)
            and self.body.saves_results()
        )


class Registry:
    """All agent types that this process can run."""

    def __init__(self) -> None:
        self._definitions: dict[str, Definition] = {}

    def register(
        self,
        body: AgentFunction | type[Agent] | Callable[..., Any],
        name: str | None = None,
        **options: Any,
    ) -> None:
        """Registers a decorated function, an Agent class, or a plain function under `name`.

        Registering the same code again is harmless; other code under a known name raises
        ConfigurationError.
        """
        made = definition_of(body, name, **options)
        known = self._definitions.get(made.agent_type)
        if known is not None and _origin(known.body) != _origin(made.body):
            raise ConfigurationError(
                f"two agents are called {made.agent_type!r}: "
                f"{_origin(known.body)} and {_origin(made.body)}",
                hint="Give one of them another name.",
            )
        self._definitions[made.agent_type] = made

    def find(self, agent_type: str) -> Definition:
        """The code of `agent_type`. Raises UnknownAgentTypeError with the known ones."""
        try:
            return self._definitions[agent_type]
        except KeyError:
            raise UnknownAgentTypeError(agent_type, self.known()) from None

    def knows(self, agent_type: str) -> bool:
        """Whether there is code of `agent_type`."""
        return agent_type in self._definitions

    def forget_local(self) -> None:
        """Takes out the code that was defined inside of functions: it ended with them."""
        for agent_type, one in list(self._definitions.items()):
            if "<locals>" in one.body.__qualname__:
                del self._definitions[agent_type]

    def has_batch(self, agent_type: str | None) -> bool:
        """Whether the code of `agent_type` takes many tasks at once."""
        found = self._definitions.get(agent_type or "")
        return found is not None and found.options.batch is not None

    def known(self) -> list[str]:
        """All registered agent types, sorted."""
        return sorted(self._definitions)

    def options(self) -> dict[str, AgentOptions]:
        """What the code of each agent type says about how it wants to be run."""
        return {name: found.options for name, found in self._definitions.items()}

    def load_entry_points(self) -> list[str]:
        """Registers what installed packages offer; problems as text, the others still load."""
        problems = []
        for entry in entry_points(group=ENTRY_POINT_GROUP):
            try:
                loaded = entry.load()
                if not inspect.ismodule(loaded):
                    self.register(loaded, None if isinstance(loaded, type) else entry.name)
            except Exception as error:  # noqa: BLE001 - somebody else's package must not stop ours
                problems.append(f"entry point {entry.name} ({entry.value}): {error}")
        return problems

    def load_modules(self, modules: Iterable[str]) -> None:
        """Imports modules for the agents in them. Raises ConfigurationError naming the module."""
        for module in modules:
            try:
                importlib.import_module(module)
            except (Exception, SystemExit) as error:
                reason, hint = _why_not(module, error)
                raise ConfigurationError(
                    f"--import {module} failed: {reason}", hint=hint
                ) from error


def _why_not(module: str, error: BaseException) -> tuple[str, str | None]:
    """Why a module could not be imported, and what to do about it."""
    if isinstance(error, OppspotError):
        return str(error), error.hint
    hint = f"`python -c 'import {module}'` shows where."
    if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
        hint = "The module must be importable from the current folder or be installed."
    return f"{type(error).__name__}: {error}", hint


def definition_of(
    body: AgentFunction | type[Agent] | Callable[..., Any], name: str | None, **options: Any
) -> Definition:
    """The definition that registering `body` under `name` makes. Raises ConfigurationError."""
    if isinstance(body, AgentFunction):
        return Definition(
            name or body.agent_type,
            body.function,
            body.options,
            body.input_model,
            body.wants_input,
        )
    if isinstance(body, type) and issubclass(body, Agent):
        agent_type = name or body.agent_type
        if not agent_type:
            raise ConfigurationError(f"{body.__qualname__} has no agent_type")
        chosen = body.options.overridden(options)
        if chosen.batch is not None:
            raise ConfigurationError(
                f"{body.__qualname__} has a batch: only functions can take many tasks at once"
            )
        return Definition(agent_type, body, chosen, body.input_model)
    if isinstance(body, type):
        raise ConfigurationError(f"{body!r} is neither a function nor a subclass of Agent")
    wants_input = len(inspect.signature(body).parameters) > 1
    made = made_options(f"registry.register({name or body.__name__!r})", **options)
    model = input_model_of(body, in_batches=made.batch is not None)
    return Definition(name or body.__name__, body, made, model, wants_input)


def _origin(body: Callable[..., Any]) -> str:
    return f"{body.__module__}.{body.__qualname__}"


registry = Registry()
