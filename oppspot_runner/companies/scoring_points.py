"""Turns shares of a score into points in hundredths that add up to the score exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from oppspot_runner.companies.scoring_parts import Share

TINY = 1e-7  # hundredths of a point; far below what counts, far above what floats lose


def in_cents(
    shares: Mapping[str, Sequence[Share]], points: Mapping[str, float]
) -> tuple[int, list[dict[str, Any]]]:
    """The score in hundredths, and its reasons in their JSON form.

    `points` are those of a whole component. The sum is rounded half up; each reason is cut to
    whole hundredths, and those that lost most get the hundredths that are left over.
    """
    parts = [(name, 100 * points[name], share) for name, of in shares.items() for share in of]
    exact = [most * share.value for _, most, share in parts]
    cents = math.floor(math.fsum(exact) + 0.5 + TINY)
    whole = [math.floor(value + TINY) for value in exact]
    left = cents - sum(whole)
    if left:
        by_loss = sorted(range(len(exact)), key=lambda at: (whole[at] - exact[at], at))
        for at in by_loss[:left]:
            whole[at] += 1
    return cents, [
        _form(name, share, given, math.ceil(most * share.most - TINY))
        for (name, most, share), given in zip(parts, whole, strict=True)
    ]


def _form(component: str, share: Share, cents: int, most: int) -> dict[str, Any]:
    form: dict[str, Any] = {
        "component": component,
        "factor": share.factor,
        "points": cents / 100,
        "max": most / 100,
        "text": share.text,
    }
    fact = share.fact
    if fact is not None:
        form["source"] = fact.source
        form["observed_at"] = _day(fact.observed_at)
        form["confidence"] = fact.confidence
    return form


@lru_cache(maxsize=1024)  # what was imported together was observed together
def _day(moment: datetime) -> str:
    return moment.date().isoformat()
