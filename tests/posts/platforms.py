"""Hacker News and Reddit in memory, as a Web: what they answer, their caps and their faults."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from oppspot_runner.base.errors import CallError
from oppspot_runner.base.web import Answer, Parameter
from tests.posts.making import NOW

MOST_REACHED = 1_000
FILTER = re.compile(r"(created_at_i|points)(>=|<=|>|<)(\d+)")
TESTS = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}
Story = dict[str, Any]


def story(number: int, created_at_i: int, title: str = "A story", **values: Any) -> Story:
    """A hit of the search."""
    return {
        "objectID": str(number),
        "title": title,
        "url": None,
        "author": "ann",
        "points": 1,
        "num_comments": 0,
        "story_text": None,
        "created_at_i": created_at_i,
        "_tags": ["story", "author_ann", f"story_{number}"],
        "_highlightResult": {},
        **values,
    }


def submission(number: int, created: float, title: str = "A post", **values: Any) -> Story:
    """A post of Reddit."""
    return {
        "id": f"p{number}",
        "name": f"t3_p{number}",
        "title": title,
        "selftext": "",
        "author": "ann",
        "subreddit": "startups",
        "permalink": f"/r/startups/comments/p{number}/a_post/",
        "url": "https://www.reddit.com/r/startups/comments/",
        "domain": "self.startups",
        "score": 1,
        "upvote_ratio": 0.9,
        "num_comments": 0,
        "created_utc": created,
        "edited": False,
        "is_self": True,
        "over_18": False,
        "stickied": False,
        "locked": False,
        "removed_by_category": None,
        "link_flair_text": None,
        "subreddit_subscribers": 10,
        **values,
    }


@dataclass
class Platforms:
    """The outside world. `asked` is what was asked; `faults` come first, one after the other."""

    stories: list[Story] = field(default_factory=list)
    items: dict[str, Any] = field(default_factory=dict)
    posts: dict[str, list[Story]] = field(default_factory=dict)
    refused: dict[str, CallError] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=lambda: {"reddit"})
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    faults: list[CallError | Any] = field(default_factory=list)
    before: int = 0  # so many calls succeed before the faults

    @property
    def requests(self) -> Mapping[str, int]:
        return Counter(source for source, _, _ in self.asked)

    def configured(self, source: str) -> bool:
        return source in self.keys

    async def get(
        self,
        source: str,
        path: str,
        params: Mapping[str, Parameter] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        fresh_for: timedelta | None = None,
    ) -> Answer:
        given = dict(params or {})
        self.asked.append((source, path, given))
        if self.faults and len(self.asked) > self.before:
            fault = self.faults.pop(0)
            if isinstance(fault, CallError):
                raise fault
            return self._answer(source, fault)
        match source:
            case "hacker_news_search":
                return self._answer(source, self.search(given))
            case "hacker_news":
                return self._answer(source, self.items.get(path.split("/")[1][:-5]))
            case _:
                return self._reddit(source, path, given)

    async def page(self, url: str, *, fresh_for: timedelta | None = None) -> Answer:
        raise AssertionError(url)

    def search(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """As the search does it: newest first, a thousand at most on all pages."""
        tests = FILTER.findall(given["numericFilters"])
        found = [
            one
            for one in self.stories
            if given["tags"] in one["_tags"]
            and given["query"].lower() in one["title"].lower()
            and all(TESTS[sign](one[name], int(value)) for name, sign, value in tests)
        ]
        found.sort(key=lambda one: (-one["created_at_i"], int(one["objectID"])))
        page, size = int(given["page"]), int(given["hitsPerPage"])
        reached = found[:MOST_REACHED]
        return {
            "hits": reached[page * size : (page + 1) * size],
            "nbHits": len(found),
            "page": page,
            "nbPages": -(-len(reached) // size),
            "hitsPerPage": size,
            "exhaustiveNbHits": True,
        }

    def _reddit(self, source: str, path: str, given: Mapping[str, Any]) -> Answer:
        place = path.split("/")[1] if path.startswith("r/") else ""
        if place in self.refused:
            raise self.refused[place]
        if place not in self.posts:
            return Answer(source, path, 404, {}, b'{"reason": "banned"}', NOW)
        posts = sorted(self.posts[place], key=lambda one: -one["created_utc"])
        if given.get("q"):
            words = [word.strip('"').lower() for word in given["q"].split(" OR ")]
            posts = [one for one in posts if any(word in one["title"].lower() for word in words)]
        names = [None, *(one["name"] for one in posts)]
        begin = names.index(given["after"]) if given["after"] in names else len(posts)
        page = posts[begin : begin + given["limit"]]
        more = begin + given["limit"] < len(posts)
        data = {
            "after": page[-1]["name"] if more else None,
            "before": None,
            "dist": len(page),
            "children": [{"kind": "t3", "data": one} for one in page],
        }
        return self._answer(source, {"kind": "Listing", "data": data})

    def _answer(self, source: str, content: Any) -> Answer:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return Answer(source, "https://example.com", 200, self.headers, body, NOW)
