"""Random graphs for longer.

Not part of the ordinary run: `pytest tests/slow/test_random_graphs.py`.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.workflow.evaluator import Node
from tests.workflow.playing import Table
from tests.workflow.test_random_graphs import (
    cancel_at_once,
    given_most,
    given_rounds,
    play_to_the_end,
    some,
    table,
)

__all__ = ["table"]

pytestmark = pytest.mark.timeout(1800)
many = settings(some, max_examples=250)


@many
@given_rounds
async def test_a_graph_that_is_cancelled_has_ended_for_long(
    table: Table, nodes: list[Node], strategy: str, rounds: int, seed: int
) -> None:
    await cancel_at_once(table, nodes, strategy, rounds, seed)


@many
@given_most
async def test_a_graph_ends_as_the_rules_say_for_long(
    table: Table, nodes: list[Node], strategy: str, most: int | None, seed: int
) -> None:
    await play_to_the_end(table, nodes, strategy, most, seed)
