"""The story, typed line by line in the made world."""

from __future__ import annotations

import shutil
import socket

import pytest

from oppspot_runner.db import embedded
from tests.docs.reader import type_page

# What a reader waits for: the world, the work of a morning, and the call after it.
TOLD = "until curl -s http://127.0.0.1:8099/hook/sales | grep -q subject; do sleep 0.1; done"
AFTER = {
    "python -m oppspot_runner.testing.world": "until [ -s world.env ]; do sleep 0.05; done",
    "oppspot-runner schedules run-now": f"at_rest; {TOLD}",
}


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.skipif(not embedded.is_installed(), reason="the private Postgres is not installed")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_story_goes_as_it_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    type_page("docs/guides/story.md", after=AFTER, port=port)
