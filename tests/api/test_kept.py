"""Answers that took long are given again for a while, and to nobody else."""

from __future__ import annotations

import asyncio

from oppspot_runner.api.kept import DEAR_S, HELD_S, Held, Kept


async def test_what_took_long_is_kept_for_a_while_and_what_did_not_is_made_each_time() -> None:
    now, made = [0.0], [0]
    kept = Kept(clock=lambda: now[0])

    async def make(took_s: float) -> int:
        now[0] += took_s
        made[0] += 1
        return made[0]

    assert [await kept.of("a", lambda: make(DEAR_S / 2)) for _ in range(2)] == [1, 2]
    assert [await kept.of("a", lambda: make(DEAR_S * 2)) for _ in range(3)] == [3, 3, 3]
    assert await kept.of("b", lambda: make(DEAR_S * 2)) == 4
    now[0] += 1.1
    assert await kept.of("a", lambda: make(10)) == 5
    now[0] += 0.9
    assert await kept.of("a", lambda: make(10)) == 5
    now[0] += 0.2  # never longer than a second
    assert await kept.of("a", lambda: make(10)) == 6


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
