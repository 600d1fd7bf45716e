"""Without the extra `api`, commands that serve HTTP say what to install."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
sys.modules.update(dict.fromkeys(("fastapi", "starlette", "uvicorn", "jinja2")))
from oppspot_runner.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "start --http 127.0.0.1:0",
        "serve --http 127.0.0.1:0",
        "serve --http 127.0.0.1:0 --workers 2",
    ],
)
def test_what_serves_http_names_the_extra(command: str, dsn: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *command.split()],
        cwd=tmp_path,  # no .env of anybody
        env={**os.environ, "DATABASE_URL": dsn},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "HTTP needs the extra `api`" in done.stderr
    assert "pip install 'oppspot-runner[api]'" in done.stderr
