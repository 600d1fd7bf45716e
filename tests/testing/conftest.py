"""The fixtures of users, on the server of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from oppspot_runner.testing import databases
from tests.conftest import create_database


@pytest.fixture(scope="session", autouse=True)
def _their_server(server: str, template: str) -> Iterator[None]:
    """What users' tests begin with is made of our own template: it is migrated already."""
    base = databases.base_name()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", (base,)).rowcount:
            making = f"{base}_of_tests"
            with psycopg.connect(create_database(server, making, template)) as own:
                own.execute(databases.INSTALL_CLOCK)
            connection.execute(f'ALTER DATABASE "{making}" RENAME TO "{base}"')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(databases.VARIABLE, server)
        yield
