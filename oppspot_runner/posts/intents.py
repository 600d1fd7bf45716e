"""What somebody seems to want, by phrases: looks for a product, asks for advice, or leaves one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from oppspot_runner.posts.post import Intent, Post
from oppspot_runner.posts.wording import pattern_of, places_of

RULES: Mapping[str, Sequence[str]] = {
    "alternative": ("alternative to", "alternatives to", "replacement for", "instead of using"),
    "looking_for": ("looking for", "in search of", "searching for", "on the hunt for"),
    "recommend": (
        "recommend",
        "recommendation*",
        "any suggestions",
        "suggestions for",
        "what do you use for",
    ),
    "switching": (
        *("switching from", "switched from", "switching away from", "switch away from"),
        *("migrating from", "migrated from", "migrating away from", "migrate away from"),
        *("moving from", "moving away from", "move away from", "moved away from"),
    ),
}
# Said just before the words, it turns them round: "not looking for", "I'd never recommend".
NEGATION = re.compile(
    r"\b(?:not|never|no longer|nobody|cannot|stop|stopped|(?:don|doesn|didn|can|won|wouldn|isn|aren"
    r"|wasn)'?t)(?:\s+\w+){0,2}\s*$",
    re.IGNORECASE,
)
REACH = 40  # characters before the words in which a negation counts


class IntentRules:
    """Rules with their phrases; the first finding of each rule counts, the title before the text.

    `rules` are the user's own over the built-in ones; a rule without phrases is switched off.
    """

    def __init__(self, rules: Mapping[str, Sequence[str]] | None = None) -> None:
        merged = {**RULES, **(rules or {})}
        self._patterns = {name: pattern_of(phrases) for name, phrases in merged.items() if phrases}

    def found_in(self, post: Post) -> list[Intent]:
        """What the author of the post seems to want, at most one of each rule."""
        said = places_of(post)
        found = []
        for rule, pattern in self._patterns.items():
            for place in ("title", "text"):
                words = _said(pattern, said[place])
                if words is not None:
                    found.append(Intent(rule=rule, words=words, place=place))
                    break
        return found


def _said(pattern: re.Pattern[str], text: str) -> str | None:
    for match in pattern.finditer(text):
        before = text[max(0, match.start() - REACH) : match.start()]
        if not NEGATION.search(before):
            return " ".join(match[0].split())
    return None
