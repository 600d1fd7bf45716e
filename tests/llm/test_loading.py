"""Nobody who does not ask a model pays for the libraries of the providers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from oppspot_runner.llm.access import Access
from oppspot_runner.llm.errors import ProviderNotInstalledError
from oppspot_runner.llm.models import LateProvider
from tests.llm.conftest import asking

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"pydantic_ai", "anthropic", "openai", "google", "httpx2", "jsonschema", "genai_prices"}
COMMANDS = """
import json, sys
from importlib import import_module
import oppspot_runner
for name in oppspot_runner.__all__: getattr(oppspot_runner, name)
from oppspot_runner.cli.main import COMMANDS, main
import click
for name in COMMANDS: main.get_command(click.Context(main), name)
import oppspot_runner.llm.models
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
ECHO = """
import asyncio, json, sys
from oppspot_runner.base.settings import Settings
from oppspot_runner.llm.messages import ModelRequest, UserMessage
from oppspot_runner.llm.models import Models
model = Models(Settings(_env_file=None)).find("mock:echo")
asyncio.run(model.ask(ModelRequest([UserMessage("hello")])))
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
WARM = """
import asyncio
from tests.llm.conftest import asking
from oppspot_runner.base.settings import Settings
from oppspot_runner.llm.models import Models
from tests.llm.scripted import Answer
from tests.llm.server import WIRES, ContractServer

async def main():
    async with ContractServer(WIRES[0]) as server:
        given = {"anthropic_api_key": "k", "anthropic_base_url": server.base_url}
        async with Models(Settings(_env_file=None, **given)) as models:
            server.script = [Answer("warm")]
            print((await models.find("claude-sonnet-5-5").ask(asking(temperature=0.7))).text)

asyncio.run(main())
"""


@pytest.mark.parametrize("program", [COMMANDS, ECHO], ids=["all commands", "mock:echo"])
def test_no_library_of_a_provider_is_loaded(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert "oppspot_runner" in loaded
    assert not HEAVY & loaded


def test_a_temperature_that_a_model_does_not_take_warns_nobody() -> None:
    command = [sys.executable, "-W", "error::UserWarning", "-c", WARM]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("warm\n", "")


@pytest.mark.parametrize("provider", ["anthropic", "openai", "gemini"])
async def test_a_provider_that_is_not_installed_says_what_to_install(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "oppspot_runner.llm.providers", raising=False)
    monkeypatch.setitem(sys.modules, "pydantic_ai", None)
    late = LateProvider(Access(provider, SecretStr("k")))
    with pytest.raises(ProviderNotInstalledError, match=f"{provider} is not installed") as caught:
        await late.ask("it", asking())
    assert caught.value.hint == f"pip install 'oppspot-runner[{provider}]'"


@pytest.mark.parametrize("library", ["anthropic", "openai", "google.genai.client"])
async def test_one_extra_does_not_need_the_others(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    wanted = "gemini" if library == "anthropic" else "anthropic"
    late = LateProvider(Access(wanted, SecretStr("k"), "http://127.0.0.1:1"))
    await late._provider()
    await late.close()
