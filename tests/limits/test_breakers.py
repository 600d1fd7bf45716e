"""An agent that only makes errors is held back, tried by one task at a time, and let go again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from oppspot_runner.base import outcome as ends
from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.breaker import Breaker
from oppspot_runner.base.outcome import Outcome
from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.limits.breakers import open_breakers
from oppspot_runner.queue import control
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.settlement import settlement
from oppspot_runner.runner.settler import write
from tests.limits.conftest import Line
from tests.stepping import Stepper, session

ERROR = ends.Retry("no answer", after_s=0)
DONE = ends.Done()
FIVE = Breaker()


async def end(
    connection: Connection, ended: Sequence[tuple[Task, Outcome]], breaker: Any = FIVE
) -> set[str]:
    """Ends tasks at once, as a runner does; what breakers did by it."""
    written = await write(
        connection,
        1,
        [
            settlement(task, outcome, backoff=Backoff(), max_retries=9, breaker=breaker)
            for task, outcome in ended
        ],
    )
    assert len(written.ids) == len(ended)
    return set(written.breakers.values())


async def errors(line: Line, count: int, breaker: Any = FIVE) -> set[str]:
    """So many attempts of whatever is due that end as errors, one after the other."""
    found: set[str] = set()
    for _ in range(count):
        (task,) = (await line.claim(1)).tasks
        found |= await end(line.connection, [(task, ERROR)], breaker)
    return found


async def state(line: Line) -> Any:
    return await line.one("SELECT state FROM open_breakers")


async def test_it_opens_at_the_fifth_error_in_a_row_and_holds_for_60_s(line: Line) -> None:
    await line.tasks(await line.agent("down"), 8, priority=9)
    await line.tasks(await line.agent("well"), 2)
    assert await errors(line, 4) == set()
    assert await line.one("SELECT count(*) FROM task_limits") == 0
    assert await errors(line, 1) == {"opened"}
    assert await state(line) == "open"
    await line.at(59.9)
    assert await line.claimed(8) == {"well": 2}
    assert (await line.claim(8)).again_s == pytest.approx(0.1, abs=1e-3)
    assert await line.one("SELECT sum(retry_count) FROM agent_tasks") == 5


async def test_one_of_eight_that_wait_is_the_try_whoever_asks(line: Line) -> None:
    await line.tasks(await line.agent("down"), 8)
    await errors(line, 5)
    await line.at(60)
    assert await state(line) == "half-open"
    (probe,) = (await line.claim(8)).tasks
    for runner_id in (2, 3):
        assert (await Claimer(runner_id).claim(line.connection, 8)).tasks == []
    # However long it lasts, and though another start would be due by then.
    await line.at(300)
    assert (await line.claim(8)).tasks == []
    assert await state(line) == "half-open"
    assert await end(line.connection, [(probe, DONE)]) == {"closed"}
    assert await line.claimed(8) == {"down": 7}
    assert await line.one("SELECT count(*) FROM agent_breakers") == 0


async def test_a_try_that_fails_opens_it_again_for_as_long(line: Line) -> None:
    await line.tasks(await line.agent("down"), 8)
    await errors(line, 5)
    await line.at(70)
    assert await errors(line, 1) == {"opened"}
    assert await line.one("SELECT failures FROM agent_breakers") == 6
    await line.at(129)
    assert await line.claimed() == {}
    await line.at(130)
    assert await line.claimed() == {"down": 1}


async def test_a_success_in_between_forgets_the_errors(line: Line) -> None:
    await line.tasks(await line.agent("shaky"), 8)
    await errors(line, 4)
    (task,) = (await line.claim(1)).tasks
    assert await end(line.connection, [(task, DONE)]) == set()
    assert await errors(line, 4) == set()
    assert await errors(line, 1) == {"opened"}


async def test_errors_of_what_ran_already_change_nothing_and_a_success_closes_it(
    line: Line,
) -> None:
    await line.tasks(await line.agent("down"), 8)
    running = (await line.claim(8)).tasks
    assert await end(line.connection, [(task, ERROR) for task in running[:5]]) == {"opened"}
    # Also one that was claimed at the moment of the opening.
    await line.at(0.1)
    running[5] = replace(running[5], started_at=line.now)
    assert await end(line.connection, [(running[5], ERROR)]) == set()
    await line.at(60)
    assert (await line.claim()).tasks == []  # what still runs is the try
    assert await end(line.connection, [(running[6], DONE)]) == {"closed"}
    assert await line.claimed() == {"down": 6}


async def test_a_success_that_is_written_with_errors_means_that_they_were_not_in_a_row(
    line: Line,
) -> None:
    await line.tasks(await line.agent("shaky"), 8)
    tasks = (await line.claim(8)).tasks
    ended = [(task, DONE if place == 3 else ERROR) for place, task in enumerate(tasks)]
    assert await end(line.connection, ended) == set()
    assert await state(line) is None


@pytest.mark.parametrize(
    "outcome",
    [
        ends.Fail("bad address"),
        ends.Snooze("later", after_s=0),
        ends.Cancel("x"),
        ends.Release("x"),
    ],
)
async def test_what_no_retry_mends_and_what_is_no_error_does_not_count(
    line: Line, outcome: Outcome
) -> None:
    await line.tasks(await line.agent("a"), 8)
    await errors(line, 4)
    (task,) = (await line.claim(1)).tasks
    assert await end(line.connection, [(task, outcome)]) == set()
    assert await line.one("SELECT failures FROM agent_breakers") == 4


async def test_the_last_error_of_a_task_counts_too(line: Line) -> None:
    await line.tasks(await line.agent("a"), 1, max_retries=0)
    (task,) = (await line.claim(1)).tasks
    last = settlement(task, ERROR, backoff=Backoff(), max_retries=0, breaker=Breaker(failures=1))
    written = await write(line.connection, 1, [last])
    assert list(written.breakers.values()) == ["opened"]
    assert await line.one("SELECT status FROM agent_tasks") == "failed"


async def test_an_agent_may_have_other_numbers_or_no_breaker(line: Line) -> None:
    await line.tasks(await line.agent("a"), 20)
    assert await errors(line, 10, breaker=False) == set()
    assert await line.one("SELECT count(*) FROM agent_breakers") == 0
    assert await errors(line, 2, breaker=Breaker(failures=2, open_s=5)) == {"opened"}
    await line.at(5)
    assert await line.claimed() == {"a": 1}


async def test_an_attempt_that_lost_its_task_counts_nothing(line: Line) -> None:
    await line.tasks(await line.agent("a"), 1)
    (task,) = (await line.claim(1)).tasks
    await line.connection.execute("UPDATE agent_tasks SET status = 'pending'")
    one = settlement(task, ERROR, backoff=Backoff(), max_retries=9, breaker=Breaker(failures=1))
    assert (await write(line.connection, 1, [one])).ids == set()
    assert await line.one("SELECT count(*) FROM agent_breakers") == 0


async def test_people_close_it_by_the_agents_name_or_its_row(line: Line, db: Database) -> None:
    agent = await line.agent("down")
    await line.tasks(agent, 8)
    await errors(line, 5)
    assert len(await open_breakers(db, agent)) == 1
    assert await control.resume(db, "agent", str(agent))
    assert not await control.resume(db, "agent", str(agent))
    assert await line.claimed(1) == {"down": 1}
    await errors(line, 5)
    await line.connection.execute("DELETE FROM agent_breakers")
    assert await line.one("SELECT count(*) FROM task_limits") == 0


async def test_it_goes_with_its_agent(line: Line) -> None:
    await line.tasks(await line.agent("down"), 5)
    await errors(line, 5)
    for table in ("agent_executions", "agent_tasks", "ai_agents"):
        await line.connection.execute(f"DELETE FROM {table}")  # type: ignore[arg-type]
    assert await line.one("SELECT count(*) FROM agent_breakers") == 0
    assert await line.one("SELECT count(*) FROM task_limits") == 0


async def test_errors_that_are_written_at_once_are_all_counted(db: Database, line: Line) -> None:
    await line.connection.execute("RESET oppspot.now")
    await line.tasks(await line.agent("down"), 4)
    tasks = (await line.claim(4)).tasks
    async with session(db) as one, session(db) as other:
        first, second = (
            Stepper(connection, partial(end, ended=[(task, ERROR) for task in part]))
            for connection, part in ((one, tasks[:2]), (other, tasks[2:]))
        )
        async with asyncio.TaskGroup() as group:
            for stepper in (first, first, second, second, first, second):
                stepper.start_next(group)
                await stepper.done_or_blocked(db)
    assert await line.one("SELECT failures FROM agent_breakers") == 4
