"""Steps that an attempt calls in another order, or gives something else, than an earlier one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from oppspot_runner.agents.steps import NOT_KNOWN, Steps
from oppspot_runner.base.steps import KeptStep, Step

Body = Callable[["Attempt"], Awaitable[None]]


class Attempt:
    """One attempt: what it finishes is kept for the next one."""

    def __init__(self, kept: list[KeptStep] | None = None) -> None:
        self.kept = list(kept or ())
        self.warnings: list[str] = []
        self.done: list[str] = []
        self.steps = Steps(self._load, self.warnings.append)

    async def _load(self) -> list[KeptStep]:
        return list(self.kept)

    async def call(self, name: str, given: str | None = None, turns: int = 1) -> None:
        step, known = await self.steps.recall(name, given)
        if known is NOT_KNOWN:
            with self.steps.running(step):
                for _ in range(turns):
                    await asyncio.sleep(0)
            self.kept.append(KeptStep(step, name))
            self.done.append(name)

    async def all(self, names: str) -> None:
        for name in names:
            await self.call(name)


async def test_the_same_calls_again_are_known_and_nothing_is_said() -> None:
    first = Attempt()
    await first.all("abab")
    again = Attempt(first.kept)
    await again.all("ababc")
    assert (again.done, again.warnings) == (["c"], [])


@pytest.mark.parametrize(
    ("calls", "warning"),
    [
        ("axc", "the step x is called where b was called before"),
        ("xabc", "the step x is called where a was called before"),
        ("aab", "the step a:1 is called where b was called before"),
    ],
)
async def test_a_step_in_the_place_of_another_one_is_said_once(calls: str, warning: str) -> None:
    first = Attempt()
    await first.all("abc")
    again = Attempt(first.kept)
    await again.all(calls)
    assert again.warnings == [warning]


async def test_a_step_that_is_given_something_else_is_said_and_what_is_kept_is_used() -> None:
    first = Attempt()
    await first.call("model", "one")
    again = Attempt(first.kept)
    await again.call("model", "another")
    assert again.warnings == ["the step model is given something else than before"]
    assert again.done == []


async def test_steps_at_the_same_time_have_no_order_that_could_change() -> None:
    first = Attempt()

    async def pair(attempt: Attempt, names: str, turns: int) -> None:
        for name in names:
            await attempt.call(name, turns=turns)

    await asyncio.gather(pair(first, "ab", 5), pair(first, "xy", 1))
    assert [one.step for one in first.kept if one.step.position is not None] == [Step("a", 0, 0)]
    # The other pair is the faster one now, and what it had finished is not kept.
    again = Attempt([one for one in first.kept if one.step.name in "ab"])
    await asyncio.gather(pair(again, "ab", 1), pair(again, "xy", 5))
    assert again.warnings == []
