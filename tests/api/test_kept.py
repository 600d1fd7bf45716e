"""Answers are given again for a while, and to nobody else."""

from __future__ import annotations

import asyncio
from itertools import count

from oppspot_runner.api.kept import HELD_S, MOST_S, TIMES_KEPT, Held, Kept


async def test_what_was_made_is_kept_as_long_as_its_making_allows_and_for_nobody_else() -> None:
    now, made = [0.0], [0]
    kept = Kept(clock=lambda: now[0])

    async def make(took_s: float) -> int:
        now[0] += took_s
        made[0] += 1
        return made[0]

    async def of(whose: str, took_s: float = 0.01) -> int:
        return await kept.of(whose, lambda: make(took_s))

    assert [await of("a") for _ in range(3)] == [1, 1, 1]
    assert await of("b") == 2
    now[0] += TIMES_KEPT * 0.01
    assert await of("a", 10) == 3
    now[0] += MOST_S - 0.1
    assert await of("a") == 3
    now[0] += 0.2  # never longer than a second
    assert await of("a") == 4


async def test_what_was_made_before_something_changed_is_forgotten() -> None:
    kept, made = Kept(clock=iter(count(0.0, 0.1)).__next__), iter(count(1))

    async def make() -> int:
        return next(made)

    async def make_while_something_changes() -> int:
        kept.forget()
        return next(made)

    assert [await kept.of("a", make) for _ in range(2)] == [1, 1]
    kept.forget()
    assert await kept.of("a", make_while_something_changes) == 2
    assert await kept.of("a", make) == 3


async def test_what_is_held_is_made_by_one_for_all_who_ask_at_once_and_again_when_it_is_old() -> (
    None
):
    now, made = [0.0], [0]
    held = Held(clock=lambda: now[0])

    async def make() -> int:
        made[0] += 1
        await asyncio.sleep(0)
        if made[0] == 1:
            raise OSError("away")
        return made[0]

    async def ask_at_once() -> list[object]:
        return await asyncio.gather(*(held.get(make) for _ in range(3)), return_exceptions=True)

    first, *others = await ask_at_once()
    assert isinstance(first, OSError)  # no answer is not held
    assert others == [2, 2]
    now[0] += HELD_S
    assert await ask_at_once() == [3, 3, 3]
