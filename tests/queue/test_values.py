"""Whatever an agent returns or a row holds gets through the end of a task, and harms no other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.jsonsafe import clean, clean_text
from oppspot_runner.base.outcome import Done, Fail, Outcome, Retry
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import members, store
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.settlement import MOST_OUTPUT_BYTES, settlement
from oppspot_runner.runner.loop import Runner
from tests.base.test_jsonsafe import ANYTHING
from tests.queue.real import LARGE, START_HIGH
from tests.runner.conftest import Bench, bench, registry

__all__ = ["bench", "registry"]

OUTPUTS = st.dictionaries(st.text(max_size=20), ANYTHING, max_size=4)
ODD_TEXT = st.text() | st.sampled_from(["\x00", "\ud800", "\udfff\ud800", "\\u0000", "é" * 20_000])
few = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FILL = "INSERT INTO agent_tasks (priority) SELECT 5 FROM generate_series(1, %s)"
HISTORY = """
    SELECT status, error_message, output_data::text AS output, results_summary::text AS summary
    FROM agent_executions WHERE task_id = %s
"""


async def finished(db: Database, *outcomes: Outcome) -> list[dict[str, Any]]:
    """Tasks that end like that in one transaction: their rows of history, with JSON as text."""
    await db.execute(FILL, (len(outcomes),))
    async with db.transaction() as connection:
        tasks = (await Claimer(1).claim(connection, len(outcomes))).tasks
        ends = [
            settlement(task, outcome, backoff=Backoff(), max_retries=3)
            for task, outcome in zip(tasks, outcomes, strict=True)
        ]
        assert len(await store.finish(connection, 1, ends)) == len(outcomes)
    rows = [await db.fetch_one(HISTORY, (task.id,)) for task in tasks]
    await db.execute("DELETE FROM agent_tasks")
    return [row for row in rows if row is not None]


def alike(read: Any, written: Any) -> bool:
    """jsonb keeps the digits of a number, not its form: 1e2 is read as 100."""
    if isinstance(written, dict):
        return read.keys() == written.keys() and all(alike(read[k], written[k]) for k in written)
    if isinstance(written, list):
        return len(read) == len(written) and all(map(alike, read, written))
    return bool((float(read) if isinstance(written, float) else read) == written)


@few
@given(outputs=st.lists(OUTPUTS, min_size=1, max_size=4))
async def test_what_is_returned_is_read_as_it_was_cleaned(
    db: Database, outputs: list[dict[str, Any]]
) -> None:
    rows = await finished(db, *map(Done, outputs))
    for row, output in zip(rows, outputs, strict=True):
        assert row["status"] == "completed"
        assert alike(json.loads(row["output"]), clean(output))


@few
@given(errors=st.lists(ODD_TEXT, min_size=1, max_size=4))
async def test_every_error_is_told(db: Database, errors: list[str]) -> None:
    rows = await finished(db, *map(Fail, errors))
    for row, error in zip(rows, errors, strict=True):
        assert row["status"] == "failed"
        assert 0 < len(row["error_message"]) <= 10_000
        assert row["error_message"].startswith(clean_text(error)[:5])


async def test_huge_numbers_are_kept_and_counted(db: Database) -> None:
    numbers = {"big": 10**3000, "small": -(10**3000), "long": 0.1 + 0.2, "nan": float("nan")}
    (row,) = await finished(db, Done({**numbers, "far": 1e308, "endless": 10**5000}))
    output = json.loads(row["output"])
    assert output["big"] == -output["small"] == 10**3000
    assert (output["long"], float(output["far"])) == (0.1 + 0.2, 1e308)
    assert (output["nan"], output["endless"]) == (None, "... [cut]")
    assert json.loads(row["summary"]).keys() == {"big", "small", "long", "far"}


async def test_five_megabytes_are_cut_and_the_others_of_the_batch_are_whole(db: Database) -> None:
    large = {"n": 1, "text": "é" * 2_500_000, "nul": "a\x00b"}
    cut, whole = await finished(db, Done(large), Done({"text": "x" * 1_000_000}))
    assert json.loads(whole["output"]) == {"text": "x" * 1_000_000}
    output = json.loads(cut["output"])
    assert output.pop("_cut")["bytes"] > MOST_OUTPUT_BYTES
    assert output == {"n": 1, "nul": "ab"}


async def test_whole_seconds_and_parts_of_seconds_fit_in_one_batch(db: Database) -> None:
    outcomes = [Retry("again", after_s=s) for s in (1, 0.5, 10**30, -1, float("inf"))]
    assert {row["status"] for row in await finished(db, *outcomes)} == {"failed"}


async def test_numbers_beyond_four_bytes_serve_a_whole_runner(bench: Bench) -> None:
    """Tokens, places in line and ids of runners; steps, progress, cancelling, stopping by id."""
    await bench.db.execute(START_HIGH, [LARGE + 100])

    async def patient(ctx: Any) -> dict[str, Any]:
        token = await ctx.step("token", read_token, ctx)
        await ctx.progress(1, 2)
        if "wait" in ctx.payload:
            await asyncio.Event().wait()
        return {"token": token}

    agent = await bench.agent(patient)
    async with bench.running() as runner:
        task, other = await bench.task(agent), await bench.task(agent, payload='{"wait": true}')
        (row,) = await bench.ended(task)
        await bench.until(in_progress(bench, other))
        await bench.db.execute("SELECT cancel_task(%s, 'enough')", (other,))
        (stopped,) = await bench.ended(other)
        assert runner.term is not None
        assert runner.term.member.id > 2**31
        assert len(await members.ask(bench.db, "stop", [runner.term.member.id])) == 1
        await bench.until(has_stopped(runner))
    assert (row["status"], stopped["status"]) == ("completed", "cancelled")
    assert row["ready_seq"] > 2**31
    (attempt,) = await bench.attempts(task)
    assert attempt["output_data"]["token"] > 2**31
    assert attempt["runner_id"] > 2**31


async def read_token(ctx: Any) -> int:
    token: int = ctx.run_token
    return token


def in_progress(bench: Bench, task: UUID) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return (await bench.row(task))["progress"] is not None

    return check


def has_stopped(runner: Runner) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return runner.state == "stopped"

    return check


async def test_a_back_off_that_is_none_fails_its_tasks_and_not_the_runner(bench: Bench) -> None:
    async def broken(ctx: Any) -> None:
        raise ValueError("no")

    odd = [
        await bench.agent(broken, configuration=f'{{"backoff": {{{backoff}}}}}')
        for backoff in ('"first": "soon"', '"factor": null', '"most": []', '"jitter": 1')
    ]
    steep = await bench.agent(broken, configuration='{"backoff": {"factor": 1000000}}')
    tasks = [await bench.task(agent) for agent in odd]
    late = await bench.task(steep, retry_count=900, max_retries=1000)
    async with bench.running():
        rows = await bench.ended(*tasks)
        await bench.until(retried(bench, late))
    assert {row["status"] for row in rows} == {"failed"}
    for row, key in zip(rows, ("first", "factor", "most", "jitter"), strict=True):
        assert f"unusable backoff: {key} is " in row["error_message"]


def retried(bench: Bench, task: UUID) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return (await bench.row(task))["retry_count"] == 901

    return check
