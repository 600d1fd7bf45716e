"""Where the code of an agent is found by another process: a module and a name in it."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from oppspot_runner.agents.function import AgentFunction
from oppspot_runner.agents.registry import Definition, definition_of
from oppspot_runner.base.errors import Fail


def place_of(definition: Definition) -> tuple[str, str]:
    """Module and name of an agent's code. Raises Fail when they do not lead back to it."""
    module, name = definition.body.__module__, definition.body.__qualname__
    if module == "__main__":
        why = "is defined in the program itself"
    elif "<" in name:
        why = "is defined inside a function"
    elif not _leads_back(module, name, definition):
        why = "is not what that name stands for now"
    else:
        return module, name
    raise Fail(
        f"isolation='process' cannot run {module}.{name}: it {why}. "
        "Define it at the top level of a module that can be imported."
    )


@cache
def definition_at(module: str, name: str, agent_type: str, batch: int | None) -> Definition:
    """The agent at that place; raises whatever the import raises.

    `batch` is the option of a function that was registered without a decorator.
    """
    options = {} if batch is None else {"batch": batch}
    return definition_of(_found(module, name), agent_type, **options)


def _found(module: str, name: str) -> Any:
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _leads_back(module: str, name: str, definition: Definition) -> bool:
    try:
        found = _found(module, name)
    except (ImportError, AttributeError):
        return False
    body = found.function if isinstance(found, AgentFunction) else found
    return body is definition.body
