"""Who calls a tool, and what they may do."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

EVERY_TOOL = "tool:*"


class SecurityContext(BaseModel):
    """For whom a tool is called, and all that they may do: what is not permitted is refused.

    `permissions` are `tool:<name>`, or `tool:*`. `rate_limit` is calls per minute by tool; where
    the sandbox has a limit too, both count. There is no way around the sandbox, so `sandbox` is
    always true.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_id: str | None = None
    organization_id: str | None = None
    permissions: frozenset[str] = frozenset()
    rate_limit: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    sandbox: Literal[True] = True

    def permits(self, tool_name: str) -> bool:
        """Whether the tool of that name may be called."""
        return EVERY_TOOL in self.permissions or permission(tool_name) in self.permissions


def permission(tool_name: str) -> str:
    """The permission that a call of the tool needs."""
    return f"tool:{tool_name}"
