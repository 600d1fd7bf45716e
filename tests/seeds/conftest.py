"""The runner's fixtures serve here too; beside them log lines and the built-in agents."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oppspot_runner.observe import logging
from tests.runner.conftest import bench, registry

__all__ = ["bench", "registry"]

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def log_lines() -> Iterator[Lines]:
    """What is logged while the test runs, down to debug, as parsed JSON lines."""
    stream = io.StringIO()
    with contextlib.redirect_stderr(stream):
        logging.set_up("json", "debug")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.set_up("json", "error")
