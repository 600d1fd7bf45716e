"""Several sessions at once: what comes out is what they give one by one, in some order."""

from __future__ import annotations

import copy
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from itertools import combinations, permutations
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.base.outcome import Retry
from oppspot_runner.db.pool import Connection, Database
from tests.queue.acts import (
    ACTS,
    BEFORE,
    FILL,
    LOST,
    NEW,
    NOW,
    A,
    Act,
    B,
    C,
    D,
    finish,
    model_of_it,
)
from tests.queue.model import Model
from tests.queue.real import EMPTY, SEEN
from tests.queue.telling import facts, told
from tests.stepping import Stepper, interleave, session

KNOWN = (A, B, C, D)
MOST_ACTS = 3
Rows = dict[UUID, dict[str, Any]]


def is_explained(acts: Sequence[Act], results: Sequence[Any], rows: Rows) -> bool:
    """Whether the acts, done one after the other in some order, give these results and rows."""
    pairs = list(zip(acts, results, strict=True))
    return any(is_explained_by(order, rows, model_of_it()) for order in permutations(pairs))


def is_explained_by(order: Sequence[tuple[Act, Any]], rows: Rows, model: Model) -> bool:
    if not order:
        return rows == {name(task): shown(told(row)) for task, row in model.rows.items()}
    (act, result), *others = order
    return any(
        result == result_of(act, after, passed_over) and is_explained_by(others, rows, after)
        for passed_over in (subsets(KNOWN) if act.skips else [()])
        for after in [copy.deepcopy(model)]
    )


def result_of(act: Act, model: Model, passed_over: Sequence[UUID]) -> Any:
    """What an act gives that cannot see some rows, because others have locked them."""
    hidden = {task: model.rows.pop(task) for task in passed_over if task in model.rows}
    result = act.meant(model)
    model.rows.update(hidden)
    for row in model.drew:
        row.place = max(one.place for one in model.rows.values()) + 1
    model.drew.clear()
    return result


def subsets(tasks: Sequence[UUID]) -> Iterator[tuple[UUID, ...]]:
    for size in range(len(tasks) + 1):
        yield from combinations(tasks, size)


def name(task: UUID) -> UUID:
    """There is at most one task that nobody knew before."""
    return task if task in KNOWN else NEW


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """What is told of a row, without the numbers that were drawn meanwhile."""
    return {key: value for key, value in row.items() if key not in ("token", "place")}


class Stage:
    """Sessions that begin anew for each case."""

    def __init__(self, db: Database, sessions: Sequence[Connection]) -> None:
        self.db, self.sessions = db, sessions

    async def play(self, acts: Sequence[Act], order: Sequence[str]) -> tuple[list[Any], Rows]:
        """`order` names the acts by their numbers, once for each BEGIN, act and COMMIT."""
        first = self.sessions[0]
        await first.execute(EMPTY)
        await at(first, BEFORE)
        await first.execute(FILL)  # type: ignore[arg-type]
        await at(first, NOW)
        steppers = {str(n): Stepper(self.sessions[n], act.really) for n, act in enumerate(acts)}
        await interleave(self.db, steppers, order)
        rows = await (await first.execute(SEEN)).fetchall()
        results = [one.results[1] for one in steppers.values()]
        return results, {name(row["id"]): shown(facts(row)) for row in rows}


async def at(connection: Connection, now: datetime) -> None:
    await connection.execute("SELECT set_config('oppspot.now', %s, false)", (now.isoformat(),))


@pytest.fixture
async def stage(db: Database) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(session(db)) for _ in range(MOST_ACTS)]
        for one in sessions:
            await at(one, NOW)
        yield Stage(db, sessions)


async def check(stage: Stage, dice: random.Random, cases: int) -> None:
    for _ in range(cases):
        acts = dice.choices(ACTS, k=dice.randint(2, MOST_ACTS))
        order = [str(number) for number in range(len(acts)) for _ in range(3)]
        dice.shuffle(order)
        results, rows = await stage.play(acts, order)
        assert is_explained(acts, results, rows), f"{acts} in the order {order}: {results}"


@pytest.mark.slow
@pytest.mark.ci_slice
async def test_two_or_three_sessions_at_once(stage: Stage, request: pytest.FixtureRequest) -> None:
    await check(stage, random.Random(request.config.getoption("randomly_seed")), 150)


async def test_what_is_noted_while_it_is_taken_away_does_not_stay_running(stage: Stage) -> None:
    acts = [named("note running"), named("set 2 pending")]
    _, rows = await stage.play(acts, ["0", "0", "1", "1", "0", "1"])
    assert rows[A]["executions"] == {1: "cancelled"}


async def test_a_retry_that_waits_for_the_end_of_the_attempt_sees_its_error(stage: Stage) -> None:
    acts = [finish(LOST, Retry("broken")), named("retry 2")]
    results, rows = await stage.play(acts, ["0", "0", "1", "1", "0", "1"])
    assert results == [True, True]
    assert (rows[A]["parked"], rows[A]["errors"], rows[A]["due"]) == (False, 1, NOW)
    assert is_explained(acts, results, rows)


def named(name: str) -> Act:
    (act,) = (act for act in ACTS if act.name == name)
    return act
