"""What the configuration of an agent says of its tools: which, where to, how often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from oppspot_runner.base.errors import ConfigurationError, OppspotError
from oppspot_runner.base.tool_errors import ToolNotFoundError
from oppspot_runner.base.tool_use import WhenUnknown
from oppspot_runner.base.validation import unusable
from oppspot_runner.connectors.http.domains import AllowedDomains
from oppspot_runner.tools.registry import ToolRegistry
from oppspot_runner.tools.security import permission
from oppspot_runner.tools.tool_base import ToolBase


class CustomTool(BaseModel):
    """A tool by the class that some module of the program has defined."""

    model_config = ConfigDict(extra="forbid")

    class_name: str = Field(alias="class")
    enabled: bool = True


class RateOfCalls(BaseModel):
    """As `set_rate_limit` takes it."""

    model_config = ConfigDict(extra="forbid")

    max_calls: int
    window_seconds: float


class ToolConfiguration(BaseModel):
    """The keys of `ai_agents.configuration` that are about tools; others are not looked at."""

    tools: dict[str, bool] = {}
    custom_tools: dict[str, CustomTool] = {}
    permissions: frozenset[str] | None = None
    allowed_domains: tuple[str, ...] = ()
    rate_limits: dict[str, RateOfCalls] = {}
    when_unknown: WhenUnknown | dict[str, WhenUnknown] = {}

    @field_validator("tools", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return dict.fromkeys(value, True) if isinstance(value, list) else value

    @field_validator("allowed_domains")
    @classmethod
    def _hosts(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        for domain in domains:
            try:
                AllowedDomains(domain)
            except OppspotError as error:
                raise ValueError(f"{domain!r}: {error.one_line()}") from None
        return domains

    @classmethod
    def of(cls, configuration: dict[str, Any]) -> ToolConfiguration:
        """What `configuration` says. Raises ConfigurationError that names the key."""
        try:
            return cls.model_validate(configuration)
        except ValidationError as error:
            raise unusable(error) from None

    def named(self) -> list[str]:
        """The tools that it has by their names."""
        return [name for name, on in self.tools.items() if on and name not in self.custom_tools]

    def chosen(self, known: ToolRegistry, offered: Mapping[str, ToolBase]) -> ToolRegistry:
        """The agent's own tools, of those that are known here and those that servers offer.

        Raises ToolNotFoundError, and ConfigurationError for one that is given another name.
        """
        own = ToolRegistry()
        for name, custom in self.custom_tools.items():
            if custom.enabled and self.tools.get(name, True):
                tool = own.register(known.find_class(custom.class_name))
                if tool.name != name:
                    raise ConfigurationError(
                        f"the agent's configuration cannot be used: custom_tools.{name}: "
                        f"{custom.class_name} makes a tool called {tool.name!r}",
                        hint="Call it by its own name.",
                    )
        for name in self.named():
            try:
                own.register(offered.get(name) or known.find(name))
            except ToolNotFoundError:
                raise ToolNotFoundError(name, {*known.known(), *offered}) from None
        return own

    def permitted(self, own: ToolRegistry) -> frozenset[str]:
        """What the agent may call: its tools, unless its configuration has `permissions`."""
        if self.permissions is not None:
            return self.permissions
        return frozenset(map(permission, own.known()))

    def policy(self, tool_name: str, own: WhenUnknown) -> WhenUnknown:
        """What to do about a call of that tool whose end is unknown; `own` is the tool's word."""
        if isinstance(self.when_unknown, str):
            return self.when_unknown
        return self.when_unknown.get(tool_name, own)
