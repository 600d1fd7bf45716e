"""How long to wait before the next attempt. Pure arithmetic."""

from __future__ import annotations

import random
from dataclasses import dataclass

MOST_DOUBLINGS = 63  # beyond it the power only grows, and 2.0 ** 1100 overflows a float


@dataclass(frozen=True)
class Backoff:
    """`first_s`, then `factor` times longer after each error, at most `most_s`.

    With `jitter` the wait is drawn between 0 and that value, so that tasks which failed together
    do not come back together.
    """

    first_s: float = 1.0
    factor: float = 2.0
    most_s: float = 60.0
    jitter: bool = False

    def delay_s(self, retry_count: int) -> float:
        """Seconds to wait when `retry_count` errors came before this one: 1, 2, 4 ... 60."""
        exponent = min(max(retry_count, 0), MOST_DOUBLINGS)
        delay = min(self.first_s * self.factor**exponent, self.most_s)
        # Not a secret: jitter only spreads load.
        return random.uniform(0, delay) if self.jitter else delay  # noqa: S311
