"""Answers that took long to make are given again for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

DEAR_S = 0.05
TIMES_KEPT = 10
MOST_S = 1.0
HELD_S = 1.0


class Kept:
    """What was made lately, by whom it is for.

    What is made fast is made each time. Else it is kept ten times as long as making it took, at
    most a second: whoever asks often costs the database, and the tasks beside us, little of that.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: dict[Hashable, tuple[float, Any]] = {}

    async def of(self, whose: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What is kept for `whose`, else what `make` makes."""
        began = self._clock()
        until, kept = self._answers.get(whose, (began, None))
        if began < until:
            answer: T = kept
            return answer
        made = await make()
        now = self._clock()
        self._answers = {key: one for key, one in self._answers.items() if one[0] > now}
        if now - began > DEAR_S:
            self._answers[whose] = (now + min(TIMES_KEPT * (now - began), MOST_S), made)
        return made


class Held:
    """One answer for everybody: made by one at a time, and given again for a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._making = asyncio.Lock()
        self._answer: tuple[float, Any] | None = None

    async def get(self, make: Callable[[], Awaitable[T]]) -> T:
        """What is held, else what `make` makes."""
        async with self._making:
            if self._answer is None or self._clock() >= self._answer[0]:
                made = await make()
                self._answer = (self._clock() + HELD_S, made)
            answer: T = self._answer[1]
            return answer
