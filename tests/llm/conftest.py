"""The contract server of each provider in turn, and a model that asks it by its own library."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from oppspot_runner.base.settings import Settings
from oppspot_runner.llm.messages import ModelRequest, ToolSpec, UserMessage
from oppspot_runner.llm.model import LanguageModel
from oppspot_runner.llm.models import Models
from tests.llm.scripted import KEY, Wire
from tests.llm.server import WIRES, ContractServer

SUM = ToolSpec(
    "calculator",
    "Adds two numbers.",
    {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
)
HELLO = ModelRequest([UserMessage("What is 15 + 27?")], instructions="Be brief.", timeout_s=20)


def asking(**changes: Any) -> ModelRequest:
    """The usual request, with changes."""
    return replace(HELLO, **changes)


@pytest.fixture(params=WIRES, ids=lambda wire: wire.prefix)
def wire(request: pytest.FixtureRequest) -> Wire:
    found: Wire = request.param
    return found


@pytest.fixture
async def server(wire: Wire) -> AsyncIterator[ContractServer]:
    """A contract server that has to be asked in the right form, and for all of its script."""
    async with ContractServer(wire) as running:
        yield running
    assert not running.faults, "\n".join(running.faults)
    assert not running.script, "not asked for"


@pytest.fixture
async def models(server: ContractServer) -> AsyncIterator[Models]:
    prefix = server.wire.prefix
    access = {f"{prefix}_api_key": KEY, f"{prefix}_base_url": server.base_url}
    async with Models(Settings(_env_file=None, **access)) as found:
        yield found


@pytest.fixture
def model(models: Models, wire: Wire) -> LanguageModel:
    return models.find(f"{wire.prefix}:{wire.model}")
