"""Tools by their names: the built-in ones, those of the program, those of installed packages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from typing import Any

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.tool_errors import ToolNotFoundError
from oppspot_runner.tools.calculator import CalculatorTool
from oppspot_runner.tools.company_search import CompanySearchTool
from oppspot_runner.tools.email import EmailTool
from oppspot_runner.tools.http_request import HttpRequestTool
from oppspot_runner.tools.run_agent import RunAgentTool
from oppspot_runner.tools.slack import SlackTool
from oppspot_runner.tools.tool_base import ToolBase
from oppspot_runner.tools.write_insight import WriteInsightTool

ENTRY_POINT_GROUP = "oppspot_runner.tools"
# What all providers of models take as the name of a tool.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


class ToolRegistry:
    """All tools that this process has, by name."""

    def __init__(self, tools: Iterable[ToolBase] = ()) -> None:
        self._tools: dict[str, ToolBase] = {}
        self._of_classes: dict[type[ToolBase], ToolBase] = {}
        for tool in tools:
            self.register(tool)

    def register(self, tool: ToolBase | Callable[[], ToolBase]) -> ToolBase:
        """Makes a tool, or the one that a class without arguments makes, known by its name.

        Raises ConfigurationError for a name that another tool has, or that no provider takes.
        """
        made = tool if isinstance(tool, ToolBase) else tool()
        if not isinstance(made, ToolBase):
            raise ConfigurationError(f"{made!r} is no tool", hint="Derive it from ToolBase.")
        if not NAME.fullmatch(made.name):
            raise ConfigurationError(
                f"{made.name[:100]!r} is no name of a tool",
                hint="It begins with a letter and has up to 64 letters, digits, _ and -.",
            )
        known = self._tools.get(made.name)
        if known is not None and _origin(known) != _origin(made):
            raise ConfigurationError(
                f"two tools are called {made.name!r}: {_origin(known)} and {_origin(made)}",
                hint="Give one of them another name.",
            )
        self._tools[made.name] = made
        return made

    def find(self, name: str) -> ToolBase:
        """The tool of that name. Raises ToolNotFoundError with the known ones."""
        try:
            return self._tools[name]
        except KeyError:
            raise ToolNotFoundError(name, self._tools) from None

    def find_class(self, class_name: str) -> ToolBase:
        """A tool of the class of that name, which some module of the program has defined.

        Nothing is imported for it: what a configuration names must be there already. Raises
        ToolNotFoundError for a name that no class has, ConfigurationError where several have it, or
        where one cannot be made without arguments.
        """
        found = ToolBase.classes.get(class_name, {})
        if not found:
            raise ToolNotFoundError(class_name, ToolBase.classes)
        if len(found) > 1:
            raise ConfigurationError(
                f"several modules have a tool class {class_name}: {', '.join(sorted(found))}",
                hint="Rename one of them.",
            )
        (only,) = found.values()
        if only not in self._of_classes:
            try:
                self._of_classes[only] = self.register(only)
            except TypeError as error:
                raise ConfigurationError(
                    f"the tool class {class_name} cannot be made: {error}",
                    hint="Give it an __init__ without arguments.",
                ) from None
        return self._of_classes[only]

    def known(self) -> list[str]:
        """The names of all tools, sorted."""
        return sorted(self._tools)

    def load_entry_points(self) -> list[str]:
        """Registers what installed packages offer; problems as text, the others still load."""
        problems = []
        for entry in entry_points(group=ENTRY_POINT_GROUP):
            try:
                self.register(entry.load())
            except Exception as error:  # noqa: BLE001 - somebody else's package must not stop ours
                problems.append(f"entry point {entry.name} ({entry.value}): {error}")
        return problems


def _origin(tool: ToolBase) -> str:
    made_of: Any = getattr(tool, "function", type(tool))
    return f"{made_of.__module__}.{made_of.__qualname__}"


registry = ToolRegistry(
    [
        CalculatorTool(),
        HttpRequestTool(),
        EmailTool(),
        SlackTool(),
        CompanySearchTool(),
        RunAgentTool(),
        WriteInsightTool(),
    ]
)
"""The tools of this process: the built-in ones, and what `@tool` and entry points add."""
