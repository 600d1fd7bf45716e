"""Answers are given again for a while, to nobody else, and not after a change."""

from __future__ import annotations

import asyncio

import pytest

from oppspot_runner.api.kept import MOST_S, SHARE, Kept


class Making:
    """Counts what it makes; the first one fails when it is told so."""

    def __init__(self, *, fails_once: bool = False) -> None:
        self.made = 0
        self.fails_once = fails_once

    async def __call__(self) -> int:
        self.made = number = self.made + 1
        await asyncio.sleep(0)
        if number == 1 and self.fails_once:
            raise OSError("away")
        return number


async def test_what_was_made_is_given_again_for_a_while_and_to_nobody_else() -> None:
    now, make = [100.0], Making()
    kept = Kept(2.0, clock=lambda: now[0])
    assert [await kept.of("a", make) for _ in range(3)] == [1, 1, 1]
    assert await kept.of("b", make) == 2
    now[0] += 1.9
    assert await kept.of("a", make) == 1
    now[0] += 0.1
    assert await kept.of("a", make) == 3
    assert await Kept(0, clock=lambda: now[0]).of("a", make) == 4


@pytest.mark.parametrize(("took_s", "kept_s"), [(0.02, 1.0), (0.1, 5.0), (3.0, MOST_S)])
async def test_what_took_long_is_kept_longer_where_it_may(took_s: float, kept_s: float) -> None:
    now, made = [100.0], []

    async def make() -> int:
        now[0] += took_s
        made.append(1)
        return len(made)

    kept = Kept(1.0, clock=lambda: now[0], share=SHARE)
    assert await kept.of("a", make) == 1
    now[0] += kept_s - 0.01
    assert await kept.of("a", make) == 1
    now[0] += 0.02
    assert await kept.of("a", make) == 2


async def test_one_makes_it_for_all_who_ask_at_once_and_errors_are_kept_for_nobody() -> None:
    kept, make = Kept(clock=lambda: 100.0), Making(fails_once=True)

    async def ask_at_once() -> list[object]:
        asking = (kept.of("a", make) for _ in range(3))
        return await asyncio.gather(*asking, return_exceptions=True)

    first, *others = await ask_at_once()
    assert isinstance(first, OSError)
    assert others == [2, 2]
    assert await ask_at_once() == [2, 2, 2]


async def test_nobody_who_asks_after_a_change_is_told_what_was_made_before_it() -> None:
    kept, make = Kept(clock=lambda: 100.0), Making()
    assert await kept.of("a", make) == 1
    kept.forget()
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(kept.of("a", make))
        await asyncio.sleep(0)
        kept.forget()  # while it is made
        assert await kept.of("a", make) == 3
    assert asking.result() == 2
