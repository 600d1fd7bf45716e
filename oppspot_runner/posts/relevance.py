"""How much a post matters for what is looked for: a number with reasons that add up to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oppspot_runner.posts.post import Place, Post
from oppspot_runner.posts.wording import pattern_of, places_of

WEIGHTS = {"keywords": 60, "attention": 25, "freshness": 15}  # points at most
FIELDS: dict[Place, float] = {"title": 0.8, "link": 0.6, "text": 0.4}
FULL_ATTENTION = 1_000  # points and comments together that nobody needs to exceed
HALF_LIFE_DAYS = 3.0
DAY_S = 86_400.0


@dataclass(frozen=True)
class Relevance:
    """From 0 to 100; the `points` of the reasons add up to it exactly."""

    value: float
    reasons: list[dict[str, Any]]


class Yardstick:
    """Measures posts by `keywords`, at the time `now`.

    Without keywords the other parts alone make the number: a part that says nothing weighs nothing.
    """

    def __init__(self, keywords: Sequence[str], now: datetime) -> None:
        self._patterns = {word: pattern_of([word]) for word in keywords}
        self._now = now

    def measure(self, post: Post) -> Relevance:
        """The relevance of a post."""
        parts = {"attention": _attention(post), "freshness": self._freshness(post)}
        if self._patterns:
            parts = {"keywords": self._keywords(post), **parts}
        whole = sum(WEIGHTS[name] for name in parts)
        tenths = {
            name: round(1_000 * WEIGHTS[name] / whole * share) for name, (share, _) in parts.items()
        }
        reasons = [
            {"part": name, "points": tenths[name] / 10, "text": text}
            for name, (_, text) in parts.items()
            if tenths[name]
        ]
        return Relevance(min(1_000, sum(tenths.values())) / 10, reasons)

    def _keywords(self, post: Post) -> tuple[float, str]:
        """More keywords, or better places, never count for less than fewer."""
        said = places_of(post)
        missing, found = 1.0, []
        for word, pattern in self._patterns.items():
            place = next((one for one in FIELDS if pattern.search(said[one])), None)
            if place is not None:
                missing *= 1 - FIELDS[place]
                found.append(f"{word} in the {place}")
        return 1 - missing, ", ".join(found)

    def _freshness(self, post: Post) -> tuple[float, str]:
        days = max(0.0, (self._now - post.posted_at).total_seconds() / DAY_S)
        return 0.5 ** (days / HALF_LIFE_DAYS), f"{days:.1f} days old"


def _attention(post: Post) -> tuple[float, str]:
    counted = max(0, post.score) + max(0, post.comments)
    share = min(1.0, math.log1p(counted) / math.log1p(FULL_ATTENTION))
    return share, f"{post.score} points, {post.comments} comments"
