"""A scrape of the metrics reads a crowded queue by its indexes, and no finished task."""

from __future__ import annotations

import pytest

from tests.plans.conftest import ROWS, Session, explain

pytestmark = pytest.mark.slow

PER_PAGE = 100  # entries of the narrowest index, at least


def test_the_gauges_are_read_from_indexes(session: Session) -> None:
    plan = explain(session, "metrics/read", {}, warm=True)
    assert "all of it" not in plan.ways_into("agent_tasks"), plan
    assert plan.buffers < 2 * ROWS / PER_PAGE, plan
