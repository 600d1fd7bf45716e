"""Rates as people write them: "10/s", "100/m", "600/h", "5/d", "90/5m"."""

from __future__ import annotations

import re

from oppspot_runner.base.errors import InvalidInputError

# The same form as limit_rate in sql/0007_limits.sql.
FORM = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*/\s*([1-9]\d{0,4})?\s*([smhd])\s*")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def starts_per_second(text: str) -> float:
    """How many a second a rate allows on average. Raises InvalidInputError."""
    form = FORM.fullmatch(text)
    if form is None or float(form[1]) == 0:
        raise InvalidInputError(
            f"{text[:50]!r} is no rate", hint="A rate looks like 10/s, 100/m, 600/h or 90/5m."
        )
    return float(form[1]) / (int(form[2] or 1) * SECONDS[form[3]])
