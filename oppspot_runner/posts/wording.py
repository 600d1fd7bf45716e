"""Words and phrases that are looked for in posts, written as people write them in a list."""

from __future__ import annotations

import re
from collections.abc import Iterable

from oppspot_runner.posts.post import Place, Post

APOSTROPHES = str.maketrans("’‘´`", "''''")
MOST_LOOKED_AT = 20_000  # characters of a text: what follows is hardly what a post is about


def pattern_of(phrases: Iterable[str]) -> re.Pattern[str]:
    """What finds any of `phrases` as whole words, whatever their case and the blanks between.

    A `*` at the end of a phrase stands for any end of its last word. Without a phrase nothing is
    found.
    """
    written = [one for phrase in phrases if (one := _one(phrase))]
    return re.compile(rf"(?<!\w)(?:{'|'.join(written)})" if written else r"(?!)", re.IGNORECASE)


def _one(phrase: str) -> str:
    words = phrase.translate(APOSTROPHES).split()
    ends_open = bool(words) and words[-1].endswith("*")
    escaped = r"\s+".join(re.escape(word.rstrip("*")) for word in words if word.rstrip("*"))
    return escaped and escaped + (r"\w*" if ends_open else r"(?!\w)")


def places_of(post: Post) -> dict[Place, str]:
    """What a post says, by place, in a form in which `pattern_of` finds it."""
    return {
        "title": post.title.translate(APOSTROPHES),
        "link": " ".join(filter(None, (post.url, post.community))),
        "text": post.text[:MOST_LOOKED_AT].translate(APOSTROPHES),
    }
