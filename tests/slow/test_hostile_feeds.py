"""Feeds that are made to cost much, each of 2 MiB, cost neither time nor memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = Path(__file__).with_name("hostile_feeds.py")


@pytest.mark.parametrize("part", [0, 1])
def test_hostile_feeds_are_read_within_limits(part: int) -> None:
    """Half of them in a process that may use 30 s of a processor, and 512 MiB."""
    command = [sys.executable, "-P", str(HOSTILE), str(part)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
