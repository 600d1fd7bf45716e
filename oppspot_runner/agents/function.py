"""Agents as functions: the `@agent(...)` decorator."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol, get_args, get_origin, get_type_hints

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
        self.input_model = input_model_of(function, in_batches=options.batch is not None)
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
    are then blocking). With `batch=N` it takes lists of both, for at most N tasks, and returns a
    list: for each task its result, or the exception that would have been raised for it alone.

    Options: see AgentOptions. Raises ConfigurationError for a bad one.
    """
    from oppspot_runner.agents.registry import registry

    chosen = made_options(f"@agent({name!r})", **options)

    def decorate(function: Callable[..., Any]) -> AgentFunction:
        made = AgentFunction(function, name, chosen)
        registry.register(made)
        return made

    return decorate


def input_model_of(
    function: Callable[..., Any], *, in_batches: bool = False
) -> type[BaseModel] | None:
    """The pydantic model that annotates the second parameter of `function`, if one does.

    With `in_batches` the annotation is a list of it. Raises ConfigurationError for the other form.
    """
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
    is_list = get_origin(annotation) in (list, Sequence)
    model = get_args(annotation)[0] if is_list else annotation
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return None
    if is_list != in_batches:
        name = model.__name__
        raise ConfigurationError(
            f"{function.__qualname__} takes {'a list of inputs' if is_list else 'one input'},"
            f" but {'has no batch' if is_list else 'has a batch'}",
            hint=f"Annotate it with {name}." if is_list else f"Annotate it with list[{name}].",
        )
    return model
