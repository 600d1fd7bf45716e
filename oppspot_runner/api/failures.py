"""Tokens that were not good, by address: who tries many is answered no more for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

MOST_FAILURES = 10
WHILE_S = 60.0
MOST_KNOWN = 10_000
V = TypeVar("V")


class Failures:
    """Counts them in this process. A token that was good lately is let through all the same, so
    that one bad client locks out no other one behind the same address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._good: OrderedDict[str, None] = OrderedDict()

    def wait_s(self, address: str, proof: str) -> float:
        """Seconds until a token of that address is looked at; 0: now."""
        if proof in self._good:
            return 0.0
        count, since = self._failures.get(address, (0, 0.0))
        left_s = since + WHILE_S - self._clock()
        return left_s if count >= MOST_FAILURES and left_s > 0 else 0.0

    def count(self, address: str, proof: str, *, is_good: bool) -> None:
        """Notes what came of a token."""
        if is_good:
            _keep(self._good, proof, None)
            return
        self._good.pop(proof, None)
        count, since = self._failures.pop(address, (0, self._clock()))
        if since + WHILE_S <= self._clock():
            count, since = 0, self._clock()
        _keep(self._failures, address, (count + 1, since))


def _keep(known: OrderedDict[str, V], key: str, value: V) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > MOST_KNOWN:
        known.popitem(last=False)
