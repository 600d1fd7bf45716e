"""A database for a page, and our program as a person would call it there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
OURS = ("OPPSPOT_", "DATABASE_", "XDG_", "PG")


def environment(**own: str) -> dict[str, str]:
    """This process's environment without settings of ours, and with the programs of its folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    programs = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return {**kept, "PATH": programs, "COLUMNS": "120", **own}


@pytest.fixture
def run(dsn: str, tmp_path: Path) -> Run:
    """Runs a program in an empty folder, with the database of this test; it must succeed."""

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        own = environment(DATABASE_URL=dsn, OPPSPOT_POLL_INTERVAL="0.5", OPPSPOT_LOG_LEVEL="error")
        done = subprocess.run(
            words, cwd=tmp_path, env=own, capture_output=True, text=True, timeout=50, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return call
