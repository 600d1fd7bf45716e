"""Several sessions at once, in many more orders.

Not part of the ordinary run: `pytest tests/slow/test_queue_interleavings.py` prints its seed.
"""

from __future__ import annotations

import random

import pytest

from tests.queue.test_interleavings import Stage, check, stage

__all__ = ["stage"]

pytestmark = pytest.mark.timeout(1800)


async def test_two_or_three_sessions_at_once_for_long(
    stage: Stage, request: pytest.FixtureRequest
) -> None:
    await check(stage, random.Random(request.config.getoption("randomly_seed")), 5000)
