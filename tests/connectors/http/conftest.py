"""An internet of two sites, good.example and other.example, and clients for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.connectors.http.internet import Internet, Site

GOOD, OTHER = "93.184.215.14", "93.184.215.15"


@pytest.fixture
async def good() -> AsyncIterator[Site]:
    site = await Site().start()
    yield site
    await site.stop()


@pytest.fixture
async def other() -> AsyncIterator[Site]:
    site = await Site().start()
    yield site
    await site.stop()


@pytest.fixture
def internet(good: Site, other: Site) -> Internet:
    made = Internet()
    made.put("good.example", GOOD, good)
    made.put("other.example", OTHER, other)
    return made
