"""Nobody who does not ask a model pays for the libraries of the providers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"pydantic_ai", "anthropic", "openai", "google", "httpx2", "jsonschema", "genai_prices"}
COMMANDS = """
import json, sys
from importlib import import_module
import oppspot_runner
for name in oppspot_runner.__all__:
    if "tool" not in name.lower() and name not in ("AgentExecutor", "LLMModel"):  # they call others
        getattr(oppspot_runner, name)
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


@pytest.mark.slow
@pytest.mark.parametrize("program", [COMMANDS, ECHO], ids=["all commands", "mock:echo"])
def test_no_library_of_a_provider_is_loaded(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert "oppspot_runner" in loaded
    assert not HEAVY & loaded


@pytest.mark.slow
def test_a_temperature_that_a_model_does_not_take_warns_nobody() -> None:
    command = [sys.executable, "-W", "error::UserWarning", "-c", WARM]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("warm\n", "")


# Each case is a fork that begins where nothing of ours and of the providers is loaded yet.
CASES = """
import asyncio, os, sys
import pydantic_ai.direct, pydantic_ai.models
assert not {"anthropic", "openai", "google.genai", "oppspot_runner"} & set(sys.modules)

def told(absent, provider):
    sys.modules[absent] = None
    from pydantic import SecretStr
    from tests.llm.conftest import asking
    from oppspot_runner.llm.access import Access
    from oppspot_runner.llm.errors import ModelError
    from oppspot_runner.llm.models import LateProvider

    late = LateProvider(Access(provider, SecretStr("k"), "http://127.0.0.1:1"))
    try:
        asyncio.run(late.ask("it", asking()))
    except ModelError as error:
        print(absent, provider, error.code, error.hint, flush=True)

for case in sys.argv[1:]:
    pid = os.fork()
    if pid == 0:
        told(*case.split())
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0, case
"""
NOT_INSTALLED = [
    ("pydantic_ai", "anthropic"),
    ("anthropic", "anthropic"),
    ("openai", "openai"),
    ("google.genai.client", "gemini"),
]
NOT_NEEDED = [("openai", "anthropic"), ("google.genai", "openai"), ("anthropic", "gemini")]


@pytest.fixture(scope="module")
def endings() -> dict[tuple[str, str], str]:
    """How a call of a provider ends in a process where a library is not installed."""
    cases = [" ".join(case) for case in (*NOT_INSTALLED, *NOT_NEEDED)]
    command = [sys.executable, "-c", CASES, *cases]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    lines = (line.split(" ", 2) for line in done.stdout.splitlines())
    return {(absent, provider): told for absent, provider, told in lines}


@pytest.mark.slow
@pytest.mark.parametrize(("absent", "provider"), NOT_INSTALLED)
def test_a_provider_that_is_not_installed_says_what_to_install(
    endings: dict[tuple[str, str], str], absent: str, provider: str
) -> None:
    told = endings[absent, provider]
    assert told == f"PROVIDER_NOT_INSTALLED pip install 'oppspot-runner[{provider}]'"


@pytest.mark.slow
@pytest.mark.parametrize(("absent", "provider"), NOT_NEEDED)
def test_one_extra_does_not_need_the_others(
    endings: dict[tuple[str, str], str], absent: str, provider: str
) -> None:
    """It comes as far as the network, where nobody listens."""
    assert endings[absent, provider] == "PROVIDER_UNAVAILABLE None"
