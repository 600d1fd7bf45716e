"""Any graph ends as the rules say, whoever ends first, and however two sessions meet."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from oppspot_runner.base.pace import STRATEGIES
from oppspot_runner.db.pool import Database
from tests.workflow.evaluator import COMPLETED, Node, evaluate, run_status
from tests.workflow.playing import MOST_NODES, OPEN, Game, Table

some = settings(
    max_examples=10,  # tests/slow/test_random_graphs.py plays many more
    deadline=None,
    phases=[Phase.generate],  # a smaller graph is found sooner by hand
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NODE = st.fixed_dictionaries(
    {
        "needs": st.sets(st.integers(1, MOST_NODES), max_size=4),  # how far above
        "on_failure": st.sampled_from(["skip", "skip", "run", "fail"]),
        "more_than": st.sampled_from([None, None, None, 0, 2]),
        "approval": st.sampled_from([None, None, None, None, "given", "late"]),
        "end": st.sampled_from([*[COMPLETED] * 6, "failed", "cancelled"]),
        "output": st.integers(0, 3),
        "retries": st.sampled_from([0, 0, 0, 1, 2]),
    }
)


@st.composite
def graphs(draw: Any) -> list[Node]:
    # All sizes alike: a list that may be of any length is mostly of a few nodes.
    size = draw(st.integers(1, MOST_NODES))
    drawn = draw(st.lists(NODE, min_size=size, max_size=size))
    return [
        Node(**{**one, "needs": tuple(place - up for up in one["needs"] if up <= place)})
        for place, one in enumerate(drawn)
    ]


@pytest.fixture
async def table(db: Database) -> AsyncIterator[Table]:
    async with Table(db) as laid:
        yield laid


async def status_of(game: Game) -> str:
    query = "SELECT status FROM stream_runs WHERE id = %s AND open_nodes = 0"
    return str(await game.table.value(query, game.run))


async def check(game: Game, kept: dict[int, str] | None = None) -> None:
    await game.play()
    rows = await game.rows()
    wanted = evaluate(game.nodes, kept)
    assert [row["status"] for row in rows] == wanted
    assert await status_of(game) == run_status(wanted)
    assert all((row["task_id"] is None) == (row["tasks"] == 0) for row in rows)


async def cancel_at_once(
    table: Table, nodes: list[Node], strategy: str, rounds: int, seed: int
) -> None:
    """What is not cancelled has ended as it would have without it."""
    game = Game(table, nodes, random.Random(seed))
    await game.start(strategy)
    await game.play(rounds)
    await game.cancel()
    rows = await game.rows()
    assert not [row for row in rows if row["status"] in OPEN]
    wanted = evaluate(nodes)
    for row in rows:
        assert row["status"] in (wanted[row["place"]], "cancelled")
    assert await status_of(game) == run_status([row["status"] for row in rows])


async def play_to_the_end(
    table: Table, nodes: list[Node], strategy: str, most: int | None, seed: int
) -> None:
    game = Game(table, nodes, random.Random(seed))
    await game.start(strategy, most)
    await check(game)
    kept = await game.retry_all()
    game.nodes = [replace(node, end=COMPLETED) for node in game.nodes]
    await check(game, kept)


given_rounds = given(graphs(), st.sampled_from(STRATEGIES), st.integers(0, 12), st.integers(0))
given_most = given(
    graphs(), st.sampled_from(STRATEGIES), st.sampled_from([None, None, 1, 3]), st.integers(0)
)


@pytest.mark.slow
@pytest.mark.timeout(300)
@some
@given_rounds
async def test_a_graph_that_is_cancelled_while_its_tasks_end_has_ended(
    table: Table, nodes: list[Node], strategy: str, rounds: int, seed: int
) -> None:
    await cancel_at_once(table, nodes, strategy, rounds, seed)


@pytest.mark.slow
@pytest.mark.timeout(300)
@some
@given_most
async def test_a_graph_ends_as_the_rules_say(
    table: Table, nodes: list[Node], strategy: str, most: int | None, seed: int
) -> None:
    await play_to_the_end(table, nodes, strategy, most, seed)
