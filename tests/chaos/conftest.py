"""A server for the trials of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.server import Postgres, newest_programs


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres(newest_programs(), durable=False)
    yield server
    server.remove()
