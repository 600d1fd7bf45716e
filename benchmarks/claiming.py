"""What claims of a working runner cost the server."""

from __future__ import annotations

from uuid import UUID

from benchmarks import product, statements
from benchmarks.measure import Figures
from benchmarks.processes import Watched

PATIENCE_S = 300.0
SLOTS = "10"
WARM_UP = 500  # tasks, until every connection has its statements prepared
LOOK_S = 0.01


def claims(dsn: str, agent_id: UUID, tasks: int) -> Figures:
    """What claims cost while a runner with ten slots ends so many tasks of an agent, once warm."""
    ended = product.ended(dsn, agent_id)
    with product.running(dsn, "--concurrency", SLOTS) as runner:
        _wait(runner, dsn, agent_id, ended + WARM_UP)
        statements.reset(dsn)
        _wait(runner, dsn, agent_id, ended + WARM_UP + tasks)
        return statements.claim_cost(dsn).figures()


def _wait(runner: Watched, dsn: str, agent_id: UUID, ended: int) -> None:
    runner.wait_until(lambda: product.ended(dsn, agent_id) >= ended, PATIENCE_S, LOOK_S)
