"""What the main loop waits for: news, a free slot, a stop, or the time of the next poll."""

from __future__ import annotations

import asyncio
import random

AT_ONCE = 8  # of a crowd do at once what one of them has to, so that one of them surely does
PROBE_BEATS = 1.5  # a listener that heard nothing for so many heartbeats may be tested by the next
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


def has_to_probe(silent_beats: float, crowd: int) -> bool:
    """Whether a listener that heard nothing for so many heartbeats is tested by the next one.

    All listeners hear what one of them is sent, and pay for it. Of a crowd that falls silent at
    once a few are tested, drawn by lot, and whoever still hears nothing a heartbeat later.
    """
    if silent_beats > PROBE_BEATS + 1:
        return True
    lot = random.uniform(0, crowd)  # noqa: S311 - spreads load, hides nothing
    return silent_beats > PROBE_BEATS and lot < AT_ONCE
