"""Runners are killed at any moment of an agent that pays for calls: nothing is paid twice.

Not part of the ordinary run, because fifty kills take minutes. Run it by its path, with
`-s` to see what it says.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.conftest import Fleet, fleet
from tests.llm.scripted import Answer, Asked
from tests.llm.server import ContractServer
from tests.llm.wire_openai import OpenAI
from tests.slow.paying_agents import MODEL_CALLS, TOOL_CALLS

__all__ = ["fleet"]

ANSWER_AFTER_S = 0.02
CONFIGURATION = {"model": "openai:gpt-4o", "max_tokens": 100, "tools": {"counted": True}}
EXPECTED = [
    said
    for n in range(MODEL_CALLS)
    for said in (f"answer to question {n}", *([f"counted {n}"] if n < TOOL_CALLS else []))
]
ENDED = "SELECT status IN ('completed', 'failed') AS ended FROM agent_tasks WHERE id = %s"
RUNS_AT = """
    SELECT r.pid FROM agent_tasks t JOIN task_runners r ON r.id = t.runner_id
    WHERE t.id = %s AND t.status = 'processing'
"""


class Answering(ContractServer):
    """Answers every question, after a moment, and counts them."""

    def __init__(self) -> None:
        super().__init__(OpenAI())
        self.counts: Counter[str] = Counter()
        self.script = Answers(self)  # type: ignore[assignment]

    async def _answer(self, *request: Any) -> None:
        await asyncio.sleep(ANSWER_AFTER_S)
        await super()._answer(*request)


class Answers:
    """A script without end."""

    def __init__(self, server: Answering) -> None:
        self.server = server

    def pop(self, _: int) -> Answer:
        asked: Asked = self.server.asked[-1]
        question = str(asked.turns[-1][1])
        self.server.counts[question] += 1
        return Answer(text=f"answer to {question}")


@contextmanager
def answering() -> Iterator[Answering]:
    """The server, in a thread of its own."""
    server = Answering()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        assert not server.faults, "\n".join(server.faults)


class World:
    """Runners that pay, and what they paid for."""

    def __init__(self, fleet: Fleet, server: Answering, ledger: Path) -> None:
        self.fleet = fleet
        self.server = server
        self.ledger = ledger
        self.agent = fleet.agent("paying")
        fleet.connection.execute(
            "UPDATE ai_agents SET configuration = %s WHERE id = %s",
            (json.dumps(CONFIGURATION), self.agent),
        )

    def runner(self) -> None:
        self.fleet.start(
            "--import", "tests.slow.paying_agents", "--poll-interval", "0.5",
            OPENAI_API_KEY="sk-of-nobody", OPENAI_BASE_URL=self.server.base_url,
            PAID_LEDGER=str(self.ledger), OPPSPOT_LEASE="3",
        )  # fmt: skip

    def task(self) -> Any:
        self.server.counts.clear()
        self.ledger.write_text("")
        return self.fleet.task(self.agent)

    def wait_for(self, task: Any) -> None:
        self.fleet.until(lambda: self.fleet.one(ENDED, (task,))["ended"], within_s=60)

    def called(self) -> int:
        """How many calls it made since it was put in, of the model and of the tool."""
        return self.server.counts.total() + len(self.ledger.read_text().split())

    def killed(self, task: Any, after: float) -> bool:
        """Kills its runner after so many calls, or in the one that comes next.

        False when the task had ended by then.
        """
        calls = int(after)
        self.fleet.until(
            lambda: self.called() >= calls and self.fleet.status(task) != "pending", within_s=60
        )
        threading.Event().wait((after - calls) * 2 * ANSWER_AFTER_S)
        runs_at = self.fleet.all(RUNS_AT, (task,))
        if not runs_at:
            return False
        os.kill(runs_at[0]["pid"], signal.SIGKILL)
        return True

    def more_than_once(self) -> list[str]:
        """What was asked or called again: once for each time."""
        calls = Counter(f"tool {line}" for line in self.ledger.read_text().split())
        assert len(calls) == TOOL_CALLS
        assert len(self.server.counts) == MODEL_CALLS
        both = self.server.counts + calls
        return list((both - Counter(both.keys())).elements())


@pytest.mark.ci_slice
@pytest.mark.timeout(120)
def test_nothing_is_paid_twice_in_three_kills(fleet: Fleet, tmp_path: Path) -> None:
    pay_through_kills(fleet, tmp_path, kills=3)


@pytest.mark.timeout(900)
def test_nothing_is_paid_twice_in_fifty_kills(fleet: Fleet, tmp_path: Path) -> None:
    pay_through_kills(fleet, tmp_path, kills=50)


def pay_through_kills(fleet: Fleet, folder: Path, *, kills: int) -> None:
    """So many trials with one kill each."""
    chance = random.Random(20261126)
    with answering() as server:
        world = World(fleet, server, folder / "ledger")
        for _ in range(2):
            world.runner()
        _undisturbed(world)
        done = repeated = lost = 0
        while done < kills:
            task = world.task()
            hit = world.killed(task, chance.uniform(0, MODEL_CALLS + TOOL_CALLS))
            if hit:
                world.runner()
            world.wait_for(task)
            again = world.more_than_once()
            done += hit
            repeated += len(again)
            lost += _judged(world, task, again, hit)
    paid = fleet.one(
        "SELECT count(*) AS calls, sum(cost_usd) AS usd,"
        " sum(estimate_usd) FILTER (WHERE status <> 'finished') AS lost_usd FROM model_calls"
    )
    print(
        f"{done} kills: {repeated} calls repeated; {lost} of {paid['calls']} calls of models were"
        f" lost; {paid['usd']} USD paid, at most {paid['lost_usd']} for what was lost"
    )


def _undisturbed(world: World) -> None:
    """What the agent does when nobody disturbs it."""
    task = world.task()
    world.wait_for(task)
    assert world.more_than_once() == []
    row = world.fleet.one("SELECT output_data FROM agent_executions WHERE task_id = %s", (task,))
    assert row["output_data"] == {"said": EXPECTED}


def _judged(world: World, task: Any, again: list[str], hit: bool) -> int:
    """Checks one trial; how many calls of models have no known end."""
    rows = world.fleet.all(
        "SELECT status, output_data FROM agent_executions WHERE task_id = %s ORDER BY attempt",
        (task,),
    )
    assert rows[-1]["output_data"] == {"said": EXPECTED}
    assert len(rows) == 1 + hit
    calls = world.fleet.all(
        "SELECT status, seq, estimate_usd FROM model_calls WHERE task_id = %s", (task,)
    )
    by_status = Counter(row["status"] for row in calls)
    lost = [row for row in calls if row["status"] in ("lost", "started")]
    assert by_status["finished"] == MODEL_CALLS
    assert len(calls) == MODEL_CALLS + len(lost)
    # Only what was on its way is repeated; of models it is on record with what it may have cost.
    assert len(again) <= hit
    assert len(lost) <= hit
    assert all(row["estimate_usd"] > 0 for row in lost)
    questions = [one for one in again if one.startswith("question")]
    assert set(questions) <= {f"question {row['seq']}" for row in lost}
    return len(lost)
