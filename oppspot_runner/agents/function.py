"""Agents as functions: the `@agent(...)` decorator."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol, get_type_hints

from pydantic import BaseModel

from oppspot_runner.agents.options import AgentOptions, made_options
from oppspot_runner.base.errors import ConfigurationError


class Enqueuer(Protocol):
    """What `AgentFunction.enqueue` calls; `app` provides it."""

    def __call__(
        self, agent: str, payload: dict[str, Any], lane: str | None, **options: Any
    ) -> Any: ...


class AgentFunction:
    """A function that is an agent. Still callable like the function that it was made of."""

    enqueuer: Enqueuer | None = None

    def __init__(self, function: Callable[..., Any], name: str, options: AgentOptions) -> None:
        self.function = function
        self.agent_type = name
        self.options = options
        self.input_model = input_model_of(function)
        self.wants_input = len(inspect.signature(function).parameters) > 1
        self.__doc__ = function.__doc__
        self.__name__ = getattr(function, "__name__", name)
        self.__wrapped__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function itself: no queue, no Context made for it."""
        return self.function(*args, **kwargs)

    def enqueue(self, payload: dict[str, Any] | BaseModel | None = None, **options: Any) -> Any:
        """Inserts a task for the agent row of this type; options as of Client.enqueue.

        Uses DATABASE_URL, or the client that is passed as `client=`. Returns the task's id. The
        task_type is that of the agent's row, else that of `@agent(...)`.
        """
        enqueuer = type(self).enqueuer
        if enqueuer is None:
            raise ConfigurationError(
                "nothing can be enqueued from here", hint="Import oppspot_runner, or use Client."
            )
        data = payload.model_dump(mode="json") if isinstance(payload, BaseModel) else payload
        return enqueuer(self.agent_type, data or {}, self.options.task_type, **options)

    delay = enqueue


def agent(name: str, **options: Any) -> Callable[[Callable[..., Any]], AgentFunction]:
    """Makes a function an agent of type `name` and registers it.

    The function takes a Context and, if it likes, its input: a pydantic model by annotation, else
    the payload as a dict. `async def` runs in the loop, `def` in a thread (its Context's methods
    are then blocking). Options: see AgentOptions. Raises ConfigurationError for a bad one.
    """
    from oppspot_runner.agents.registry import registry

    chosen = made_options(f"@agent({name!r})", **options)

    def decorate(function: Callable[..., Any]) -> AgentFunction:
        made = AgentFunction(function, name, chosen)
        registry.register(made)
        return made

    return decorate


def input_model_of(function: Callable[..., Any]) -> type[BaseModel] | None:
    """The pydantic model that annotates the second parameter of `function`, if one does."""
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) < 2:
        return None
    annotation = parameters[1].annotation
    if isinstance(annotation, str):
        try:
            annotation = get_type_hints(function).get(parameters[1].name, annotation)
        except NameError as error:
            raise ConfigurationError(
                f"the input type of {function.__qualname__} cannot be found: {error}",
                hint="Define it at module level, before the function.",
            ) from None
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None
