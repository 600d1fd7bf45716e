"""One world for each test, with the content that it has by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oppspot_runner.testing.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world
