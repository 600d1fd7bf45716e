"""How long to wait before the next attempt. Pure arithmetic."""

from __future__ import annotations

import random
from dataclasses import dataclass

from oppspot_runner.base.errors import InvalidInputError

MOST_S = 10 * 365 * 86_400.0
MOST_FACTOR = 1_000_000.0


@dataclass(frozen=True)
class Backoff:
    """`first_s`, then `factor` times longer after each error, at most `most_s`.

    With `jitter` the wait is drawn between 0 and that value, so that tasks which failed together
    do not come back together. Raises InvalidInputError for what is no such number.
    """

    first_s: float = 1.0
    factor: float = 2.0
    most_s: float = 60.0
    jitter: bool = False

    def __post_init__(self) -> None:
        # It comes from rows as well: what cannot be reckoned with must not wait until a task fails.
        _check("first", self.first_s, 0, MOST_S)
        _check("factor", self.factor, 1, MOST_FACTOR)
        _check("most", self.most_s, 0, MOST_S)
        if not isinstance(self.jitter, bool):
            raise InvalidInputError(f"jitter is {self.jitter!r:.80}, not true or false")

    def delay_s(self, retry_count: int) -> float:
        """Seconds to wait when `retry_count` errors came before this one: 1, 2, 4 ... 60."""
        try:
            delay = min(self.first_s * float(self.factor) ** max(retry_count, 0), self.most_s)
        except OverflowError:
            delay = self.most_s if self.first_s else 0.0
        # Not a secret: jitter only spreads load.
        return random.uniform(0, delay) if self.jitter else float(delay)  # noqa: S311


def _check(name: str, value: object, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise InvalidInputError(
            f"{name} is {value!r:.80}, not a number from {least:,.0f} to {most:,.0f}"
        )
