"""When an agent that only makes errors gets no more tasks for a while (`count_errors` counts)."""

from __future__ import annotations

from dataclasses import dataclass

from oppspot_runner.base.errors import InvalidInputError

MOST_FAILURES = 1_000_000
MOST_OPEN_S = 30 * 86_400


@dataclass(frozen=True)
class Breaker:
    """Opens after `failures` errors in a row of all tasks of an agent, in all runners together.

    Then none of its tasks starts for `open_s` seconds; after that one at a time, until one
    completes.
    Raises InvalidInputError for what is no such number.
    """

    failures: int = 5
    open_s: float = 60.0

    def __post_init__(self) -> None:
        if type(self.failures) is not int or not 1 <= self.failures <= MOST_FAILURES:
            raise InvalidInputError(
                f"failures is {self.failures!r:.80}, not a whole number from 1 to {MOST_FAILURES:,}"
            )
        if type(self.open_s) not in (int, float) or not 0 < self.open_s <= MOST_OPEN_S:
            raise InvalidInputError(
                f"open_s is {self.open_s!r:.80}, not above 0 and at most {MOST_OPEN_S:,} seconds"
            )
