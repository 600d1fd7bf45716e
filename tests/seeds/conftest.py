"""The runner's fixtures serve here too, on one database that is emptied after each test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from oppspot_runner.observe import logging
from tests.conftest import create_database, drop_database
from tests.runner.conftest import bench, registry

__all__ = ["bench", "registry"]

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """What was logged since the test began, or since the last call, down to debug."""
    logging.set_up("json", "debug")
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    logging.set_up("json", "error")


@pytest.fixture(scope="session")
def shared_dsn(server: str, template: str) -> Iterator[str]:
    name = f"oppspot_seeds_{uuid4().hex[:8]}"
    yield create_database(server, name, template)
    drop_database(name)


@pytest.fixture
def dsn(shared_dsn: str) -> Iterator[str]:
    """Connection string of a migrated, empty database. Making one costs more than emptying it."""
    yield shared_dsn
    with psycopg.connect(shared_dsn, autocommit=True) as connection:
        left = connection.execute(
            "SELECT tablename FROM pg_tables"
            " WHERE schemaname = 'public' AND NOT starts_with(tablename, 'oppspot_')"
        ).fetchall()
        while left:  # what others point to goes in a later round
            left = [(table,) for (table,) in left if not emptied(connection, table)]
        connection.execute("DELETE FROM task_tallies")  # deleted tasks are tallied, too


def emptied(connection: psycopg.Connection[Any], table: str) -> bool:
    """Whether all rows of a table could be deleted."""
    try:
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    except psycopg.errors.ForeignKeyViolation:
        return False
    return True
