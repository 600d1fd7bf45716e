"""The first agent, typed line by line. The longer tutorial is in tests/slow."""

from __future__ import annotations

import pytest

from oppspot_runner.db import embedded
from tests.docs.reader import type_page

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not embedded.is_installed(), reason="the private Postgres is not installed"),
]
# A reader lists the tasks again until they have ended.
DATABASE = "DB=\"$(oppspot-runner status | sed -n 's/^connect *//p')\""
AFTER = {"oppspot-runner start": DATABASE, "oppspot-runner enqueue": "at_rest"}


@pytest.mark.slow
def test_the_first_agent_works_as_it_is_printed() -> None:
    typed = type_page("docs/first-agent.md", after=AFTER)
    assert "Hello Ada! Hello Ada!" in typed
    assert "Europe/London" in typed
    assert "2 passed" in typed
