"""What the main loop waits for: news, a free slot, a stop, or the time of the next poll."""

from __future__ import annotations

import asyncio
import random

AT_ONCE = 8  # of a crowd that hears of a task look at once, so that one of them surely does
APART_S = 0.005  # the others follow one after the other: at most 200 looks a second


class Wakeup:
    """An event that forgets itself when it was waited for. Set it from the loop's thread."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Ends the current or the next wait."""
        self._event.set()

    async def wait(self, at_most_s: float) -> None:
        """Waits until set, at most `at_most_s` seconds; what was set before counts."""
        try:
            async with asyncio.timeout(max(at_most_s, 0)):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()


def jittered(seconds: float) -> float:
    """`seconds` give or take a tenth, so that a fleet does not poll in step."""
    return seconds * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, hides nothing


def turn_s(crowd: int) -> float:
    """How long one of `crowd` runners waits before it looks for what all of them heard of."""
    place = random.uniform(0, crowd)  # noqa: S311 - spreads load, hides nothing
    return max(place - AT_ONCE, 0) * APART_S
