"""Writes docs/reference/python.md from the docstrings of the public names. A test compares it."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

PAGE = Path(__file__).resolve().parent / "reference" / "python.md"
TEXT = """# Python

<!-- Made by docs/python_page.py from the docstrings; change it there. -->

What `oppspot_runner` offers by these names is public: it is typed, and changes only by the
[rule for changes](../operations/upgrade.md#what-may-change). Everything else in the package may change at
any time. How the names are used is in [writing agents](../guides/writing-agents.md),
[the client](../guides/python-client.md) and [tools](../guides/tools.md).

{sections}"""
SECTIONS = {
    "Agents": "agent AgentFunction Agent AgentOptions Backoff Breaker Context Registry registry"
    " ResultMapper get_result_mapper",
    "How an attempt ends": "Retry Snooze Fail SoftTimeLimitError EventTimeoutError"
    " ChildrenFailedError",
    "Clients": "Client AsyncClient RunEvent",
    "A runner inside of a program": "start_task_runner stop_task_runner",
    "Events of a runner": "on Event TaskStarted TaskFinished BreakerOpened BreakerClosed",
    "Tools and models": "tool ToolBase ToolCall ToolSandbox AgentExecutor LLMModel",
    "Errors": "OppspotError SourceError RateLimitExceededError ToolExecutionError"
    " ToolNotFoundError ContextLengthExceededError",
}
TESTING = ("oppspot_runner.testing", "oppspot_runner.testing.world")
UNSTABLE = re.compile(r"<.* at 0x\w+>|<factory>|typing\.|datetime\.|oppspot_runner[\w.]*\.")


class Shown:
    """A part of a signature, as it is to be written."""

    def __init__(self, text: str) -> None:
        self.text = UNSTABLE.sub(lambda found: "..." if found[0][0] == "<" else "", text)

    def __repr__(self) -> str:
        return self.text


def python_page() -> str:
    package = import_module("oppspot_runner")
    named = {name for names in SECTIONS.values() for name in names.split()}
    if named != set(package.__all__):
        raise SystemExit(f"give each name one section: {sorted(named ^ set(package.__all__))}")
    found = {title: (package, names.split()) for title, names in SECTIONS.items()}
    for path in TESTING:
        module = import_module(path)
        if names := getattr(module, "__all__", []):
            found[f"Testing: {path}"] = module, names
    return TEXT.format(sections="\n".join(_section(title, *one) for title, one in found.items()))


def _section(title: str, module: Any, names: list[str]) -> str:
    return f"## {title}\n\n" + "\n".join(_entry(name, getattr(module, name)) for name in names)


def _entry(name: str, value: Any) -> str:
    parts = [f"### {name}", *_head(name, value), inspect.getdoc(value)]
    if isinstance(value, type):
        parts += [*_fields(value), "\n".join(_members(value))]
    return "\n\n".join(filter(None, parts)) + "\n"


def _head(name: str, value: Any) -> Iterator[str]:
    """How it is called or made, where users do that and its fields do not say it."""
    if isinstance(value, type) and _names_of_fields(value):
        return
    try:
        waits = "await " if inspect.iscoroutinefunction(value) else ""
        yield f"`{waits}{name}{_signature(value)}`"
    except (TypeError, ValueError):  # it is no function, or has that of a class written in C
        if not isinstance(value, type):
            yield f"`{name}: {type(value).__name__}`"


def _signature(function: Any) -> str:
    signature = inspect.signature(function)
    empty = inspect.Parameter.empty
    parameters = [
        one.replace(
            annotation=empty if one.annotation is empty else _type(one.annotation),
            default=empty if one.default is empty else Shown(repr(one.default)),
        )
        for name, one in signature.parameters.items()
        if name not in {"self", "cls"}
    ]
    gives = signature.return_annotation
    result = empty if isinstance(function, type) or gives is empty else _type(gives)
    return str(signature.replace(parameters=parameters, return_annotation=result))


def _type(annotation: Any) -> Shown:
    return Shown(annotation if isinstance(annotation, str) else inspect.formatannotation(annotation))


def _names_of_fields(value: type) -> list[str]:
    if issubclass(value, enum.Enum):
        return list(value.__members__)
    if issubclass(value, BaseModel):
        return list(value.model_fields)
    if dataclasses.is_dataclass(value):
        return [one.name for one in dataclasses.fields(value) if not one.name.startswith("_")]
    return []


def _fields(value: type) -> Iterator[str]:
    names = _names_of_fields(value)
    if issubclass(value, enum.Enum):
        yield "\n".join(f"- `{name}`: `{value[name].value}`" for name in names)
    elif names:
        yield f"Fields: {', '.join(f'`{_field(value, name)}`' for name in names)}."


def _field(value: type, name: str) -> str:
    default = Shown(repr(inspect.signature(value).parameters[name].default))
    (type_of, *_) = (_annotated(one)[name] for one in value.__mro__ if name in _annotated(one))
    shown = "" if repr(default) in {"...", "<class 'inspect._empty'>"} else f" = {default!r}"
    return f"{name}: {type_of}{shown}"


def _annotated(value: type) -> dict[str, str]:
    return vars(value).get("__annotations__", {})


def _members(value: type) -> Iterator[str]:
    for name, member in vars(value).items():
        function = getattr(member, "__func__", member)
        if name.startswith("_") or name in _annotated(value):
            continue
        if isinstance(member, property | cached_property):
            yield f"- `{name}`: {_line(member)}"
        elif inspect.isroutine(function):
            waits = "await " if inspect.iscoroutinefunction(function) else ""
            yield f"- `{waits}{name}{_signature(function)}`: {_line(function)}"


def _line(value: Any) -> str:
    return " ".join((inspect.getdoc(value) or "").split())


if __name__ == "__main__":
    PAGE.write_text(python_page(), encoding="utf-8")
