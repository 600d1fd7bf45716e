"""A dollar for twenty tasks on three runners, two of which are killed: used up, never exceeded.

Not part of the ordinary run, because it waits for leases to run out. Run it by its path.
"""

from __future__ import annotations

import os
import signal
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.daemon.conftest import Fleet, fleet
from tests.slow.spending_agents import PRICES

__all__ = ["fleet"]

LIMIT, COST, ESTIMATE = Decimal(1), Decimal("0.004"), Decimal("0.010")
TASKS = 20
SAMPLE_S = 0.005
OPEN = """
    SELECT FROM model_calls c JOIN agent_tasks t ON t.id = c.task_id
    JOIN task_runners r ON r.id = t.runner_id
    WHERE c.status = 'started' AND r.pid = %s
"""


class Watch:
    """Looks at the one budget every five milliseconds, by a connection of its own."""

    def __init__(self, dsn: str) -> None:
        self.most = Decimal(0)
        self.most_held = Decimal(0)
        self.samples = 0
        self._dsn = dsn
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not self._ended.wait(SAMPLE_S):
                row = connection.execute(
                    "SELECT spent_usd, held_usd FROM budget_balances"
                ).fetchone()
                assert row is not None
                self.most = max(self.most, row[0] + row[1])
                self.most_held = max(self.most_held, row[1])
                self.samples += 1


@pytest.mark.ci_slice
@pytest.mark.timeout(120)
def test_a_dollar_is_used_up_and_never_exceeded_whoever_is_killed(
    fleet: Fleet, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    agent = fleet.agent("spender")
    fleet.one("SELECT set_budget('agent', %s, %s)", (agent, LIMIT))
    runners = [_runner(fleet, prices) for _ in range(3)]
    fleet.until(lambda: len(fleet.all("SELECT FROM task_runners WHERE state = 'running'")) == 3)
    with Watch(fleet.dsn) as watch:
        tasks = [fleet.task(agent) for _ in range(TASKS)]
        for runner, spent in zip(runners, ("0.15", "0.5"), strict=False):
            fleet.until(lambda spent=spent: _balance(fleet, "spent") >= Decimal(spent))
            _kill_amid_calls(fleet, runner.pid)
        fleet.until(lambda: all(fleet.status(one) == "failed" for one in tasks), within_s=60)
    assert watch.most <= LIMIT
    assert watch.samples > 100
    assert watch.most_held > 3 * ESTIMATE
    assert _balance(fleet, "spent") > LIMIT - ESTIMATE  # not one call more would have fitted
    assert _balance(fleet, "held") == 0
    # Calls that the killed ones left open are ended by a look of the runner that goes on.
    fleet.until(lambda: not fleet.all("SELECT FROM model_calls WHERE status = 'started'"))
    row = fleet.one(
        "SELECT sum(cost_usd) AS cost, count(*) FILTER (WHERE status = 'lost') AS lost"
        ", count(*) FILTER (WHERE cost_usd <> %s) AS other FROM model_calls",
        (COST,),
    )
    assert row["cost"] == _balance(fleet, "spent")
    assert row["other"] == 0
    assert row["lost"] > 0
    ends = fleet.all("SELECT retry_count, left(error_message, 15) AS why FROM agent_tasks")
    assert ends == [{"retry_count": 0, "why": "BUDGET_EXCEEDED"}] * TASKS


def _kill_amid_calls(fleet: Fleet, pid: int) -> None:
    """Stops the runner to look whether calls of it are open: else it goes on for a while."""

    def is_amid_calls() -> bool:
        os.kill(pid, signal.SIGSTOP)
        if len(fleet.all(OPEN, (pid,))) > 1:
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    fleet.until(is_amid_calls)
    os.kill(pid, signal.SIGKILL)


def _runner(fleet: Fleet, prices: Path) -> Any:
    words = ("--import", "tests.slow.spending_agents", "--concurrency", "7")
    return fleet.start(
        *words, "--poll-interval", "0.5", OPPSPOT_LEASE="3", OPPSPOT_LLM_PRICES=str(prices)
    )


def _balance(fleet: Fleet, name: str) -> Decimal:
    amount: Decimal = fleet.one("SELECT * FROM budget_balances")[f"{name}_usd"]
    return amount
