"""Tools as functions: the `@tool(...)` decorator."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.tool_use import WhenUnknown
from oppspot_runner.tools.registry import registry
from oppspot_runner.tools.threads import in_thread
from oppspot_runner.tools.tool_base import TIME_LIMIT_S, ToolBase, ToolCall

STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=False)
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class FunctionTool(ToolBase):
    """A function that is a tool. Still callable like the function that it was made of."""

    def __init__(self, function: Callable[..., Any], name: str, description: str) -> None:
        model, self._call_name = _model_of(function, name)
        super().__init__(name, description, model)
        self.function = function
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function itself: no checks, no limits."""
        return self.function(*args, **kwargs)

    async def run(self, arguments: BaseModel, call: ToolCall) -> Any:
        given = {name: getattr(arguments, name) for name in type(arguments).model_fields}
        if self._call_name:
            given[self._call_name] = call
        if inspect.iscoroutinefunction(self.function):
            return await self.function(**given)
        return await in_thread(partial(self.function, **given))


def tool(
    name: str,
    *,
    description: str | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    cached_for_s: float | None = None,
    repeatable: bool = True,
    when_unknown: WhenUnknown = "fail",
) -> Callable[[Callable[..., Any]], FunctionTool]:
    """Makes a function a tool called `name` and registers it.

    Its parameters, with their annotations and defaults, are the arguments; one that is annotated
    with ToolCall gets what surrounds the call. `async def` runs in the loop, `def` in a thread.
    The options are those of ToolBase, times in seconds. The description is the first paragraph of
    the docstring, unless one is given.

    Raises ConfigurationError for a parameter without a type, or a function without a description.
    """

    def decorate(function: Callable[..., Any]) -> FunctionTool:
        said = description or (inspect.getdoc(function) or "").split("\n\n")[0]
        if not said:
            raise ConfigurationError(
                f"the tool {name} has no description", hint="Give its function a docstring."
            )
        made = FunctionTool(function, name, " ".join(said.split()))
        made.time_limit_s, made.cached_for_s = time_limit_s, cached_for_s
        made.repeatable, made.when_unknown = repeatable, when_unknown
        registry.register(made)
        return made

    return decorate


def _model_of(function: Callable[..., Any], name: str) -> tuple[type[BaseModel], str | None]:
    """The model of the parameters, and the name of the one that takes the ToolCall."""
    try:
        types = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"a type of the tool {name} cannot be found: {error}",
            hint="Define it at module level, before the function.",
        ) from None
    fields: dict[str, Any] = {}
    call_name = None
    for one in inspect.signature(function).parameters.values():
        if types.get(one.name) is ToolCall:
            call_name = one.name
        elif one.name not in types or one.kind not in NAMED:
            raise ConfigurationError(
                f"the parameter {one.name} of the tool {name} has no type, or no name of its own",
                hint="Annotate each parameter, and use no *args and **kwargs.",
            )
        else:
            required = one.default is inspect.Parameter.empty
            fields[one.name] = (types[one.name], ... if required else one.default)
    return create_model(f"{name}_arguments", __config__=STRICT, **fields), call_name
