"""Answers that many ask for are given again for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

KEEP_S = 1.0
SHARE = 50  # of what is kept for so many times what it took, making takes 2 % of the time at most
MOST_S = 10.0


@dataclass
class _Answer:
    making: asyncio.Lock = field(default_factory=asyncio.Lock)
    until: float = 0.0
    value: Any = None


class Kept:
    """What was made lately, by whom it is for: made by one for all who ask at once, and given again
    for `keep_s` seconds, or `share` times what it took. Whoever asks often costs the database,
    and the tasks beside us, little."""

    def __init__(
        self,
        keep_s: float = KEEP_S,
        clock: Callable[[], float] = time.monotonic,
        *,
        share: float = 0,
    ) -> None:
        self.keep_s = keep_s
        self.share = share
        self._clock = clock
        self._answers: dict[Hashable, _Answer] = {}

    async def of(self, whose: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What is kept for `whose`, else what `make` makes. Its errors are kept for nobody."""
        answer = self._answers.setdefault(whose, _Answer())
        async with answer.making:
            if self._clock() >= answer.until:
                began = self._clock()
                answer.value = await make()
                now = self._clock()
                answer.until = now + max(self.keep_s, min(self.share * (now - began), MOST_S))
                self._drop_old()
            value: T = answer.value
            return value

    def forget(self) -> None:
        """Whoever asks from now on gets what is made from now on: something changed."""
        self._answers = {}

    def _drop_old(self) -> None:
        now = self._clock()
        self._answers = {
            whose: one
            for whose, one in self._answers.items()
            if one.until > now or one.making.locked()
        }
