"""Turns shares of a score into points in hundredths that add up to the score exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oppspot_runner.companies.company import Fact

TINY = 1e-7  # hundredths of a point; far below what counts, far above what floats lose


@dataclass(frozen=True, slots=True)
class Reason:
    """`points` of at most `most` for one factor, not yet rounded."""

    component: str
    factor: str
    points: float
    most: float
    text: str
    fact: Fact | None = None


def in_cents(reasons: Sequence[Reason]) -> tuple[int, list[dict[str, Any]]]:
    """The score in hundredths, and the reasons in their JSON form.

    The sum is rounded half up; each reason is cut to whole hundredths, and those that lost most
    get the hundredths that are left over.
    """
    exact = [100 * reason.points for reason in reasons]
    cents = math.floor(math.fsum(exact) + 0.5 + TINY)
    whole = [math.floor(points + TINY) for points in exact]
    left = cents - sum(whole)
    by_loss = sorted(range(len(exact)), key=lambda at: (whole[at] - exact[at], at))
    for at in by_loss[:left]:
        whole[at] += 1
    return cents, [_form(reason, points) for reason, points in zip(reasons, whole, strict=True)]


def _form(reason: Reason, cents: int) -> dict[str, Any]:
    form: dict[str, Any] = {
        "component": reason.component,
        "factor": reason.factor,
        "points": cents / 100,
        "max": math.ceil(100 * reason.most - TINY) / 100,
        "text": reason.text,
    }
    if reason.fact is not None:
        form["source"] = reason.fact.source
        form["observed_at"] = reason.fact.observed_at.date().isoformat()
        form["confidence"] = round(reason.fact.confidence, 4)
    return form
