"""What must not end the runner: odd results, lost answers, deleted rows, saves that hang or lie."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.base.errors import Fail, Retry, Snooze
from oppspot_runner.base.events import ResultDropped
from tests.runner.conftest import FAST, Bench


async def short(ctx: Any) -> dict[str, Any]:
    return {}


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __bool__(self) -> bool:
        raise RuntimeError("neither")


class Alarming(BaseException):
    pass


def generating(ctx: Any) -> Any:
    yield {"never": "run"}


@pytest.mark.parametrize(
    ("value", "status", "told"),
    [
        ({"error": Unshowable()}, "failed", "neither"),
        ({"fine": Unshowable()}, "completed", None),
        (generating(None), "failed", "use return, not yield"),
        (KeyboardInterrupt(), "failed", "the agent raised KeyboardInterrupt"),
        (Alarming("loud"), "failed", "Alarming: loud"),
        (asyncio.CancelledError(), "failed", "the agent cancelled itself"),
    ],
)
async def test_odd_results_end_their_own_task_only(
    bench: Bench, value: Any, status: str, told: str | None
) -> None:
    async def odd(ctx: Any) -> Any:
        if isinstance(value, BaseException):
            raise value
        return value

    agent = await bench.agent(odd, configuration='{"max_retries": 0}')
    other = await bench.agent(short)
    async with bench.running():
        row, fine = await bench.ended(await bench.task(agent), await bench.task(other))
    assert row["status"] == status
    assert told is None or told in row["error_message"]
    assert fine["status"] == "completed"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Fail("no address"), "no address"),
        (Retry("busy"), "busy"),
        (ValueError("odd"), "ValueError: odd"),
        (Snooze, "the agent returned the class Snooze, not an exception of it"),
    ],
)
async def test_an_exception_that_is_returned_is_no_result(
    bench: Bench, value: Any, told: str
) -> None:
    async def absent_minded(ctx: Any) -> Any:
        return value

    agent = await bench.agent(absent_minded, configuration='{"max_retries": 0}')
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert (row["status"], row["error_message"]) == ("failed", told)


async def test_a_number_that_json_cannot_hold_does_not_end_the_runner(bench: Bench) -> None:
    agent = await bench.agent(short)
    stream = await bench.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    assert stream is not None
    async with bench.running():
        task = await bench.task(agent, stream_id=stream["id"], payload=f'{{"x": {"9" * 400}.5}}')
        (row,) = await bench.ended(task)
    assert row["status"] == "completed"


async def test_a_claim_whose_answer_got_lost_is_given_back(bench: Bench) -> None:
    agent = await bench.agent(short)
    async with bench.running(replace(FAST, lease_s=2)) as runner:

        async def joined() -> bool:
            return runner.term is not None

        await bench.until(joined)
        assert runner.term is not None
        task = await bench.task(agent, scheduled_for="2999-01-01")
        await bench.db.execute(
            "UPDATE agent_tasks SET status = 'processing', parked = false, run_token = 77,"
            " runner_id = %s, attempt = 1, started_at = now() WHERE id = %s",
            (runner.term.member.id, task),
        )
        (row,) = await bench.ended(task)
    assert (row["status"], row["crash_count"], row["retry_count"]) == ("completed", 0, 0)
    # Nothing of it had begun: it neither counts as an attempt nor was it visible as one.
    assert row["attempt"] == 1
    assert [one["status"] for one in await bench.attempts(task)] == ["completed"]


async def test_a_deleted_task_ends_its_run(bench: Bench) -> None:
    agent = await bench.agent(short)
    stream = await bench.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    assert stream is not None
    await bench.db.execute(
        "INSERT INTO stream_agent_assignments (stream_id, agent_id) VALUES (%s, %s)",
        (stream["id"], agent),
    )
    await bench.db.execute("SELECT run_stream(%s)", (stream["id"],))
    await bench.db.execute("DELETE FROM agent_tasks")
    assert await bench.db.fetch_one("SELECT status FROM stream_runs") == {"status": "cancelled"}


async def test_a_paused_agent_does_not_hold_a_drain(bench: Bench) -> None:
    agent = await bench.agent(short)
    await bench.task(agent)
    await bench.db.execute("INSERT INTO task_pauses (scope, key) VALUES ('type', 'short')")
    async with bench.running(replace(FAST, drain_and_exit=True)) as runner:

        async def stopped() -> bool:
            return runner.state == "stopped"

        await bench.until(stopped)


@pytest.mark.parametrize("fault", ["hangs", "looks away", "closes", "exits"])
async def test_a_save_that_hangs_or_lies_ends_its_own_task_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("oppspot_runner.runner.attempt.SAVE_LEAST_S", 0.2)

    class Faulty(Agent):
        async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
            return state

        async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
            if fault == "hangs":
                await asyncio.Event().wait()
            if fault == "looks away":
                raise psycopg.OperationalError("my other database is away")
            if fault == "closes":
                await tx.close()
            if fault == "exits":
                raise SystemExit(3)
            return True

    bench.registry.register(Faulty, "faulty")
    agent = await bench.agent_row("faulty", configuration='{"time_limit": 0.3, "max_retries": 0}')
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert row["status"] == "failed"
    assert "save_results" in row["error_message"]


class Effects(Agent):
    """Writes one effect, and ends the transaction in the way that its payload says."""

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        return state

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        await tx.execute("INSERT INTO effects (task_id) VALUES (%s)", (ctx.task.id,))
        for statement in results["statements"]:
            await tx.execute(statement)
        if results.get("taken"):
            await tx.execute(
                "UPDATE agent_tasks SET status = 'pending', scheduled_for = '2999-01-01'"
            )
        if results.get("fails"):
            raise ValueError("no")
        return True


async def saving(bench: Bench, **payload: Any) -> UUID:
    """A task whose agent saves an effect."""
    await bench.db.execute("CREATE TABLE effects (task_id uuid)")
    bench.registry.register(Effects, "effects")
    return await bench.task(await bench.agent_row("effects"), payload=json.dumps(payload))


async def effects(bench: Bench) -> int:
    return len(await bench.db.fetch_all("SELECT * FROM effects"))


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(
    ("statements", "left"),
    [
        (["COMMIT"], 1),
        (["COMMIT AND CHAIN"], 1),
        (["COMMIT", "BEGIN"], 1),
        (["COMMIT", "BEGIN", "SELECT pg_current_xact_id()"], 1),
        (["ROLLBACK"], 0),
        (["ROLLBACK; BEGIN"], 0),
    ],
)
async def test_a_save_that_ends_its_transaction_fails_once_and_says_what_to_do(
    bench: Bench, statements: list[str], left: int, fails: bool
) -> None:
    task = await saving(bench, statements=statements, fails=fails)
    async with bench.running():
        (row,) = await bench.ended(task)
    assert (row["status"], row["attempt"], row["retry_count"]) == ("failed", 1, 0)
    assert row["error_message"].startswith("save_results ended the transaction that it was given")
    assert "tx.transaction()" in row["error_message"]
    assert await effects(bench) == left


async def test_the_fence_holds_though_a_save_gave_its_lock_away(bench: Bench) -> None:
    task = await saving(bench, statements=["COMMIT"], taken=True)
    async with bench.running():
        await bench.until(lambda: _dropped(bench))
    row = await bench.row(task)
    assert (row["status"], row["error_message"], row["parked"]) == ("pending", None, True)
    assert await bench.attempts(task) == []


async def _dropped(bench: Bench) -> bool:
    return bool(bench.happened(ResultDropped))


async def test_a_part_of_a_save_can_be_undone(bench: Bench) -> None:
    task = await saving(bench, statements=["SAVEPOINT a", "DELETE FROM effects", "ROLLBACK TO a"])
    async with bench.running():
        (row,) = await bench.ended(task)
    assert row["status"] == "completed"
    assert await effects(bench) == 1


async def test_rows_that_others_refer_to_stay_when_old_ones_go(bench: Bench) -> None:
    from oppspot_runner.base.events import EventBus
    from oppspot_runner.runner.config import RunnerConfig
    from oppspot_runner.runner.maintenance import Pruning
    from oppspot_runner.runner.patience import Patience

    task = await bench.task(None, status="completed", finished_at="2020-01-01")
    await bench.db.execute("CREATE TABLE theirs (task uuid REFERENCES agent_tasks (id))")
    await bench.db.execute("INSERT INTO theirs VALUES (%s)", (task,))
    pruning = Pruning(bench.db, Patience(EventBus()), RunnerConfig(keep_s=1, history_s=1))
    assert await pruning.chunk() == 0
    assert (await bench.row(task))["status"] == "completed"
