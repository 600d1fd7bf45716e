"""Scores beside each other: what changed since the last one, how many are how good, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import floor
from typing import Any
from uuid import UUID

from oppspot_runner.companies.items import Item
from oppspot_runner.companies.scoring import Rank, Score
from oppspot_runner.companies.scoring_model import HIGH_QUALITY_CENTS, PRIORITIES

STEPS = ("0-1", "1-2", "2-3", "3-4", "4-5")
MOST_REASONS = 5
NOTICEABLE = 0.0001  # parts are kept with four decimals


def changed(item: Item, score: Score) -> dict[str, Any] | None:
    """How `score` differs from the item's last one, and which parts did it; None if it is the same.

    The parts are shares from 0 to 1; a part that did not apply before or after is named too.
    """
    if item.cents is None or item.cents == score.cents:
        return None
    return {
        "from": item.cents / 100,
        "to": score.value,
        "delta": (score.cents - item.cents) / 100,
        "because": _differing(item.parts or {}, score.parts),
    }


def _differing(before: Mapping[str, float], after: Mapping[str, float]) -> list[dict[str, Any]]:
    names = dict.fromkeys([*before, *after])
    return [
        {"component": name, "from": before.get(name), "to": after.get(name)}
        for name in names
        if name not in before or name not in after or abs(before[name] - after[name]) >= NOTICEABLE
    ]


class ScoreTally:
    """Counts scores as they come, so that none of them has to be kept."""

    def __init__(self) -> None:
        self.cents = 0
        self.confidence = 0.0
        self.counts: Counter[str] = Counter()
        self.by_priority: Counter[str] = Counter()
        self.steps: Counter[int] = Counter()
        self.disqualified: Counter[str] = Counter()
        self.points: Counter[tuple[str, str]] = Counter()
        self.ranks: list[Rank] = []

    def add(self, item: Item, score: Score) -> None:
        """Counts one score against the one that the item had."""
        self.cents += score.cents
        self.confidence += score.confidence
        self.by_priority[score.priority] += 1
        self.steps[min(score.cents // 100, len(STEPS) - 1)] += 1
        self.ranks.append(score.rank(item.company))
        if score.disqualified:
            self.disqualified[score.disqualified] += 1
        if score.cents >= HIGH_QUALITY_CENTS:
            self.counts["high"] += 1
        if item.cents is None:
            self.counts["new"] += 1
        elif item.cents != score.cents:
            self.counts["up" if score.cents > item.cents else "down"] += 1
        for reason in score.reasons:
            self.points[reason["component"], reason["factor"]] += floor(
                100 * reason["points"] + 0.5
            )

    def results(self) -> dict[str, Any]:
        """The counts in their JSON form; means over all scores."""
        number = len(self.ranks)
        whole = number or 1
        priorities = [*(name for _, name in PRIORITIES), "low"]
        return {
            "items_updated": number,
            "avg_quality_score": round(self.cents / whole / 100, 2),
            "high_quality_count": self.counts["high"],
            "by_priority": {name: self.by_priority[name] for name in priorities},
            "changed_up": self.counts["up"],
            "changed_down": self.counts["down"],
            "newly_scored": self.counts["new"],
            "distribution": {name: self.steps[at] for at, name in enumerate(STEPS)},
            "avg_confidence": round(self.confidence / whole, 2),
            "disqualified": dict(self.disqualified),
            "top_reasons": [
                {"component": component, "factor": factor, "points": round(sum_ / whole / 100, 2)}
                for (component, factor), sum_ in self.points.most_common(MOST_REASONS)
                if sum_ > 0
            ],
        }

    def best(self, most: int) -> list[UUID]:
        """The companies with the best scores, best first."""
        return [rank[-1] for rank in sorted(self.ranks)[:most]]
