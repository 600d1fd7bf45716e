"""Rates as people write them: "10/s", "100/m", "600/h", "5/d", "90/5m"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from oppspot_runner.base.errors import InvalidInputError

# The same form as limit_rate in sql/0007_limits.sql.
FORM = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*/\s*([1-9]\d{0,4})?\s*([smhd])\s*", re.ASCII)
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
MOST = 1_000_000
MOST_WINDOW_S = 31_536_000
CLOSE = 1e-9  # relative: what a rate is off after it was divided and multiplied by a unit


def starts_per_second(text: str) -> float:
    """How many a second a rate allows on average. Raises InvalidInputError."""
    form = FORM.fullmatch(text)
    if form is None or float(form[1]) == 0:
        raise InvalidInputError(
            f"{text[:50]!r} is no rate", hint="A rate looks like 10/s, 100/m, 600/h or 90/5m."
        )
    return float(form[1]) / (int(form[2] or 1) * SECONDS[form[3]])


def written_rate(per_second: float) -> str:
    """A rate as people write it: in the shortest unit in which it is a whole number.

    Where it is whole in none, in the shortest in which it is 1 or more, else per day.
    """
    numbers = {unit: per_second * seconds for unit, seconds in SECONDS.items()}
    whole = (
        unit for unit, n in numbers.items() if 0.5 < n < MOST and abs(n - round(n)) < CLOSE * n
    )
    large = (unit for unit, n in numbers.items() if n >= 1)
    unit = next(whole, None) or next(large, "d")
    return f"{numbers[unit]:.6f}".rstrip("0").rstrip(".") + f"/{unit}"


@dataclass(frozen=True)
class RateLimit:
    """At most `max_calls` in any `window_s` seconds. Raises InvalidInputError for another one."""

    max_calls: int
    window_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.max_calls <= MOST:
            raise InvalidInputError(f"max_calls is {self.max_calls}, not from 0 to {MOST:,}")
        if not 0 < self.window_s <= MOST_WINDOW_S:
            raise InvalidInputError(
                f"the window is {self.window_s} s long, not above 0 and at most a year"
            )
