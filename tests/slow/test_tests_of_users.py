"""Tests of users in several workers, on the embedded server that these share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest
from oppspot_runner import agent

@agent("greeter")
async def greeter(ctx):
    return {"said": f"hello {ctx.payload['to']}"}

@pytest.mark.parametrize("n", range(6))
async def test_alone(runner, n):
    assert await runner.enqueued() == []
    await runner.client.create_agent(agent_type="greeter", name="Gina")
    await runner.client.enqueue("Gina", {"to": str(n)})
    (done,) = await runner.drain()
    assert done.output == {"said": f"hello {n}"}
"""


@pytest.mark.ci_slice
def test_workers_share_the_server_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    (tmp_path / "test_theirs.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    plugin = ("-p", "oppspot_runner.testing.plugin")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugin, "-n", "2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert "6 passed" in done.stdout, done.stdout + done.stderr
