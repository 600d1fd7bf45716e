"""`costs`: sums of what calls cost, and budgets as people set and see them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from oppspot_runner.base.wording import dollars
from tests.cli.conftest import CommandLine, Rows

CALL = """
    INSERT INTO model_calls (task_id, attempt, run_token, step, seq, agent_id, model, status,
        estimate_usd, cost_usd, input_tokens, output_tokens, started_at, finished_at)
    VALUES (gen_random_uuid(), 1, 1, 'model', 0, %s, %s, %s, 0.5, %s, 10, 5,
        oppspot_now() - make_interval(days => %s), oppspot_now())
"""


def calls(rows: Rows, agent: str, *made: tuple[str, str, str | None, int]) -> None:
    """Calls of an agent: model, status, cost, days ago."""
    for model, status, cost, days in made:
        rows(CALL, agent, model, status, cost, days)


def test_costs_are_summed_up_exactly_with_what_is_not_known_apart(
    cli: CommandLine, rows: Rows
) -> None:
    calls(
        rows,
        rows.agent("Writer"),
        ("a:x", "finished", "0.10000000000000000001", 0),
        ("a:x", "finished", "0.2", 0),
        ("a:x", "lost", None, 0),
        ("b:y", "finished", None, 0),
        ("b:y", "failed", "0", 9),
    )
    found = cli.json("costs", "--by", "model")
    assert [(one["key"], one["calls"], one["cost_usd"]) for one in found["rows"]] == [
        ("a:x", 3, "0.30000000000000000001"),
        ("b:y", 2, "0"),
    ]
    total = found["total"]
    assert (total["lost_calls"], total["lost_usd"]) == (1, "0.5")
    assert (total["unpriced_calls"], total["failed_calls"]) == (1, 1)
    table = [line.split() for line in cli("costs").out.splitlines()]
    assert table[1] == ["a:x", "3", "30", "15", "0.3", "1,", "at", "most", "0.5", "USD"]
    assert table[3] == [
        "all",
        "together",
        "5",
        "1",
        "50",
        "25",
        "0.3",
        "1",
        "1,",
        "at",
        "most",
        "0.5",
        "USD",
    ]
    (recent,) = cli.json("costs", "--by", "agent", "--since", "2d")["rows"]
    assert (recent["name"], recent["calls"]) == ("Writer", 4)
    assert len(cli.json("costs", "--by", "day")["rows"]) == 2
    assert cli.json("costs", "--by", "attempt", "--limit", "2")["rows"][0]["cost_usd"] == ("0.2")
    assert cli.json("costs", "--until", "5d")["total"]["calls"] == 1


def test_without_calls_there_is_nothing_to_sum_up(cli: CommandLine) -> None:
    assert cli("costs").out == "No model was asked.\n"
    assert cli("costs", "budgets").out == "No budget.\n"


def test_budgets_are_set_seen_and_removed(cli: CommandLine, rows: Rows) -> None:
    agent = rows.agent("Writer")
    calls(rows, agent, ("a:x", "finished", "1.25", 0), ("a:x", "finished", "9", 40))
    budget = ("--agent", "Writer", "--period", "month")
    said = cli("costs", "budget", "set", "2.50", *budget)
    assert said.out == "The budget of agent Writer is 2.5 USD (month).\n", said.err
    (found,) = cli.json("costs", "budgets")
    shown = {name: found[name] for name in ("scope", "scope_id", "name", "spent_usd", "left_usd")}
    assert shown == {
        "scope": "agent",
        "scope_id": agent,
        "name": "Writer",
        "spent_usd": "1.25",
        "left_usd": "1.25",
    }
    cli("costs", "budget", "set", "1", *budget, "--on-unknown-price", "tokens_only")
    line = cli("costs", "budgets").out.splitlines()[1].split()
    assert line == ["agent", "Writer", "month", "1", "1.25", "0", "0", "tokens_only"]
    assert "was removed" in cli("costs", "budget", "remove", *budget).out
    assert "There is no budget" in cli("costs", "budget", "remove", *budget).out


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["5"], "give one of --task"),
        (["5", "--agent", "a", "--task", "b"], "give one of --task"),
        (["NaN", "--agent", "a"], "the amount is 'NaN'"),
        (["five", "--agent", "a"], "the amount is 'five'"),
        (["1e400", "--agent", "a"], "the amount is '1e400'"),
    ],
)
def test_a_budget_that_means_nothing_is_wrong_usage(
    cli: CommandLine, words: list[str], fault: str
) -> None:
    ended = cli("costs", "budget", "set", *words)
    assert ended.code == 2
    assert fault in ended.err


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0", "0"), ("100", "100"), ("1234.5", "1,234.5"), ("0.0000004", "<0.000001")],
)
def test_an_amount_is_shown_to_the_millionth(amount: str, shown: Any) -> None:
    assert dollars(Decimal(amount)) == shown
