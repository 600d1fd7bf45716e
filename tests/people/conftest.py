"""The world of these tests."""

from __future__ import annotations

import pytest

from oppspot_runner.db.pool import Database
from tests.streams.world import World


@pytest.fixture
def world(db: Database) -> World:
    return World(db)
