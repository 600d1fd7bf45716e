"""Whatever happens in whatever order, the queue does what its small model says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from oppspot_runner.queue import claiming
from tests.queue.both import SESSIONS, START, Agent
from tests.queue.machine import QueueMachine
from tests.queue.real import RealQueue, opened

AGENTS = """
    WITH o AS (INSERT INTO organizations (name) VALUES ('one'), ('two') RETURNING id)
    INSERT INTO ai_agents (name, agent_type, org_id)
    SELECT 'of ' || o.id, t, o.id FROM o, unnest('{alpha,beta}'::text[]) t
    RETURNING id, agent_type, org_id
"""


async def prepared(real: RealQueue) -> list[Agent]:
    return [Agent(*row.values()) for row in await real.sql(AGENTS)]


def run_machine(
    dsn: str,
    random_seed: int,
    monkeypatch: pytest.MonkeyPatch,
    *,
    examples: int,
    steps: int,
    machine: Callable[..., RuleBasedStateMachine] = QueueMachine,
) -> None:
    with asyncio.Runner() as loop:
        opening = opened(dsn, sessions=SESSIONS, now=START)
        real = loop.run(opening.__aenter__())
        try:
            monkeypatch.setattr(claiming, "time", real)
            agents = loop.run(prepared(real))
            run_state_machine_as_test(
                seed(random_seed)(lambda: machine(loop, real, agents)),
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=steps,
                    deadline=None,
                    database=None,
                    print_blob=True,
                    phases=(Phase.generate, Phase.shrink),
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            loop.run(opening.__aexit__(None, None, None))


@pytest.mark.slow
@pytest.mark.ci_slice
@pytest.mark.timeout(
    600
)  # seconds when they agree; a counterexample takes minutes to be made small
def test_the_queue_and_its_model_agree(
    dsn: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_machine(dsn, request.config.getoption("randomly_seed"), monkeypatch, examples=25, steps=25)
