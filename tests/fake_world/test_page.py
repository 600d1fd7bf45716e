"""What the guide about the world shows, and the world that runs alone."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import pytest

from oppspot_runner.base.settings import Settings
from tests.docs.pages import blocks_of


def test_the_guide_opens_a_world_and_finds_its_sites() -> None:
    names: dict[str, object] = {}
    for block in blocks_of("docs/guides/fake-world.md", "python"):
        exec(block.body, names)
    environment = names["environment"]
    assert isinstance(environment, dict)
    assert {f"oppspot_{name}".upper() for name in Settings.model_fields} >= set(environment)
    assert str(names["site"]).startswith("http://harbourledger.localhost:")


def test_the_world_alone_prints_its_environment_and_ends_when_told() -> None:
    command = [sys.executable, "-m", "oppspot_runner.testing.world"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as own:
        assert own.stdout is not None
        assert own.stderr is not None
        assert "until Ctrl-C" in own.stderr.readline()
        own.send_signal(signal.SIGTERM)
        printed, _ = own.communicate(timeout=20)
    assert own.returncode == 0
    assert "export OPPSPOT_COMPANIES_HOUSE_URL='http://127.0.0.1:" in printed


@pytest.mark.parametrize("port", ["taken", "70000", "many"])
def test_a_port_that_cannot_be_had_is_said_in_one_line(port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = port.replace("taken", str(taken.getsockname()[1]))
        command = [sys.executable, "-m", "oppspot_runner.testing.world", "--port", given]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0
    assert "port" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
