"""`agents compare`: variants beside each other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import CommandLine, Rows

VARIANTS = '{"variants": [{"name": "old"}, {"name": "small"}, {"name": "dear"}]}'


@pytest.fixture
def agent(rows: Rows) -> Any:
    return rows.value(
        "INSERT INTO ai_agents (name, agent_type, configuration)"
        " VALUES ('Writer', 'llm', %s) RETURNING id",
        VARIANTS,
    )


def attempts(
    rows: Rows, agent: Any, variant: str, *, good: int, bad: int, cost: float, score: float = 0.5
) -> None:
    """Attempts whose costs and scores lie a tenth around a mean."""
    rows(
        "INSERT INTO agent_executions"
        " (agent_id, status, started_at, duration_ms, metrics, results_summary)"
        " SELECT %s, CASE WHEN n <= %s THEN 'completed' ELSE 'failed' END, now(), 100,"
        " jsonb_build_object('variant', %s::text, 'cost_usd', %s::float8 * (0.9 + 0.2 * (n %% 2))),"
        " jsonb_build_object('score', %s::float8 * (0.9 + 0.2 * (n %% 2)))"
        " FROM generate_series(1, %s) n",
        agent,
        good,
        variant,
        cost,
        score,
        good + bad,
    )


def test_a_variant_that_does_as_well_for_less_is_named(
    cli: CommandLine, rows: Rows, agent: Any
) -> None:
    attempts(rows, agent, "old", good=190, bad=10, cost=0.02)
    attempts(rows, agent, "small", good=195, bad=5, cost=0.005)
    attempts(rows, agent, "dear", good=199, bad=1, cost=0.09)
    (found,) = cli.json("agents", "compare", "Writer")
    assert [row["variant"] for row in found["variants"]] == ["old", "small", "dear"]
    small = found["variants"][1]
    assert small["attempts"] == 200
    assert small["success"]["value"] == 0.975
    assert small["cost_usd"]["value"] == pytest.approx(0.005)
    assert small["cost_usd"]["low"] < 0.005 < small["cost_usd"]["high"]
    assert found["cheaper"] == "small"
    (saving,) = cli.json("costs", "suggest")
    assert saving["saving_usd"] == pytest.approx(200 * (0.02 - 0.005))
    assert cli("costs", "suggest").out == (
        "Writer: 'small' does as well as 'old' and costs 75% less. That is 3.0000 USD so far.\n"
    )
    said = cli("agents", "compare", "Writer").out
    assert "'small' does as well as 'old' and costs 75% less." in said
    assert "98% (94% to 99%)" in said


@pytest.mark.parametrize(
    ("small", "why"),
    [
        ({"good": 19, "bad": 1, "cost": 0.005}, " Each needs 30 attempts."),
        ({"good": 170, "bad": 30, "cost": 0.005}, ""),
        ({"good": 190, "bad": 10, "cost": 0.0199}, ""),
        ({"good": 190, "bad": 10, "cost": 0.005, "score": 0.4}, ""),
    ],
    ids=["too few", "fails more often", "costs the same", "scores lower"],
)
def test_one_that_is_not_known_to_do_so_is_not(
    cli: CommandLine, rows: Rows, agent: Any, small: dict[str, Any], why: str
) -> None:
    attempts(rows, agent, "old", good=190, bad=10, cost=0.02)
    attempts(rows, agent, "small", **small)
    said = cli("agents", "compare").out
    assert said.splitlines()[-1] == f"No variant is known to do as well as 'old' for less.{why}"
    assert cli.json("agents", "compare")[0]["cheaper"] is None
    assert cli.json("costs", "suggest") == []


def test_without_variants_it_says_how_to_have_some(cli: CommandLine, rows: Rows) -> None:
    assert '"variants": [' in cli("agents", "compare").out
    assert cli.json("agents", "compare") == []
