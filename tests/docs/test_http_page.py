"""The guide of HTTP, typed line by line."""

from __future__ import annotations

import shutil
import socket

import pytest

from oppspot_runner.db import embedded
from tests.docs.reader import type_page

PAGE = "docs/guides/http.md"
# A reader reads on while the server comes up and tasks are done.
AFTER = {
    "oppspot-runner start": "until curl -fs http://127.0.0.1:8099/readyz; do sleep 0.1; done"
    " >/dev/null; DB=\"$(oppspot-runner status | sed -n 's/^connect *//p')\"",
    'ask -d \'{"agent": "Greeter"': "at_rest",
    "order Eve": "at_rest",
}


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.skipif(not embedded.is_installed(), reason="the private Postgres is not installed")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_guide_of_http_works_as_it_is_printed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    type_page(PAGE, after=AFTER, port=port)
