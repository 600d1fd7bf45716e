"""Tools of the tests, and sandboxes for them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from oppspot_runner.base.tool_use import ToolUse
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.tools.calculator import CalculatorTool
from oppspot_runner.tools.http_request import HttpRequestTool
from oppspot_runner.tools.registry import ToolRegistry
from oppspot_runner.tools.sandbox import ToolSandbox
from tests.runner.conftest import bench, registry

__all__ = ["bench", "registry"]


@dataclass
class Trail:
    """Keeps what was recorded."""

    uses: list[ToolUse] = field(default_factory=list)

    async def record(self, use: ToolUse) -> None:
        self.uses.append(use)


@pytest.fixture
def tools() -> ToolRegistry:
    return ToolRegistry([CalculatorTool(), HttpRequestTool()])


@pytest.fixture
def trail() -> Trail:
    return Trail()


@pytest.fixture
def sandbox(tools: ToolRegistry, trail: Trail) -> ToolSandbox:
    return ToolSandbox(tools, http=HttpPolicy(), audit=trail)
