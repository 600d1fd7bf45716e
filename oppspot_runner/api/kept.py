"""Answers that many ask for are given again for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

TIMES_KEPT = 30
MOST_S = 1.0
HELD_S = 1.0


class Kept:
    """What was made lately, by whom it is for.

    It is kept thirty times as long as making it took, `most_s` at most: whoever asks often costs
    the database, and the tasks beside us, little of that.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, most_s: float = MOST_S
    ) -> None:
        self._clock = clock
        self._most_s = most_s
        self._answers: dict[Hashable, tuple[float, Any]] = {}

    async def of(self, whose: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What is kept for `whose`, else what `make` makes."""
        began = self._clock()
        until, kept = self._answers.get(whose, (began, None))
        if began < until:
            answer: T = kept
            return answer
        answers = self._answers
        made = await make()
        now = self._clock()
        for old in [key for key, (until, _) in answers.items() if until <= now]:
            del answers[old]
        answers[whose] = (now + min(TIMES_KEPT * (now - began), self._most_s), made)
        return made

    def forget(self) -> None:
        """All is made again, also what is being made just now: something changed."""
        self._answers = {}


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
