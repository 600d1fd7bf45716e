"""An index of stories and comments: words, tags and numeric filters."""

from __future__ import annotations

import operator
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from oppspot_runner.testing.world.content import Item
from oppspot_runner.testing.world.firebase import titled

FRONT_PAGE = 30
OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
FILTER = re.compile(r"(created_at_i|points|num_comments)\s*(<=|>=|!=|<|>|=)\s*(-?\d+)")
TAGS = re.compile(r"\(([^()]*)\)|([^,()]+)")
Filter = tuple[str, str, int]


class StoryIndex:
    """All that is neither deleted nor dead, newest first."""

    def __init__(self, items: Iterable[Item]) -> None:
        living = [one for one in items if not (one.deleted or one.dead)]
        self.items = {one.id: one for one in living}
        self._newest = sorted(living, key=lambda one: (-one.time, -one.id))
        self._ages = [-one.time for one in self._newest]
        self._texts: dict[int, str] = {}
        self._children: dict[int, list[Item]] = {}
        for one in reversed(self._newest):
            if one.parent is not None:
                self._children.setdefault(one.parent, []).append(one)
        stories = sorted(living, key=lambda one: (one.type == "comment", -one.score, one.id))
        self._front = {one.id for one in stories[:FRONT_PAGE]}
        self._found = lru_cache(maxsize=64)(self._find)

    def search(
        self, query: str, tags: str, filters: str, *, by_date: bool, until: int
    ) -> tuple[Item, ...]:
        """All hits that were there `until` then (Unix time), newest or best first.

        Raises ValueError for what is no filter.
        """
        return self._found(query, tags, filters, by_date, until)

    def story_of(self, item: Item) -> Item:
        """What a comment is about, whatever it answers; of all others the item itself."""
        while item.parent is not None and item.parent in self.items:
            item = self.items[item.parent]
        return item

    def children_of(self, item: Item) -> list[Item]:
        """What answers the item, oldest first."""
        return self._children.get(item.id, [])

    def _find(
        self, query: str, tags: str, filters: str, by_date: bool, until: int
    ) -> tuple[Item, ...]:
        wanted = _tags(tags)
        numbers = [*_filters(filters), ("created_at_i", "<=", until)]
        words = _words(query).split()
        found = [
            one
            for one in self._within(numbers)
            if all(OPERATORS[sign](_number(one, name), value) for name, sign, value in numbers)
            and all(f" {word}" in self._text(one) for word in words)
            and self._is_tagged(one, wanted)
        ]
        if not by_date:
            found.sort(key=lambda one: (-one.score, -one.descendants, -one.id))
        return tuple(found)

    def _within(self, numbers: list[Filter]) -> list[Item]:
        """A part of the items, in which all are that the filters on time let through."""
        after = [value for name, sign, value in numbers if name == "created_at_i" and ">" in sign]
        before = [value for name, sign, value in numbers if name == "created_at_i" and "<" in sign]
        first = bisect_left(self._ages, -min(before)) if before else 0
        last = bisect_left(self._ages, 1 - max(after)) if after else len(self._ages)
        return self._newest[first:last]

    def _text(self, item: Item) -> str:
        if item.id not in self._texts:
            said = (item.title, item.url, item.text, item.by)
            self._texts[item.id] = " " + _words(" ".join(one for one in said if one))
        return self._texts[item.id]

    def _is_tagged(self, item: Item, wanted: list[set[str]]) -> bool:
        if not wanted:
            return True
        own = set(tags_of(item, self.story_of(item)))
        if item.id in self._front:
            own.add("front_page")
        return all(own & ways for ways in wanted)


def tags_of(item: Item, story: Item) -> list[str]:
    """What kind of thing it is, whose, and about which story."""
    tags = [item.type, f"author_{item.by}", f"story_{story.id}"]
    kinds = {"ask_hn": "Ask HN", "show_hn": "Show HN"}
    return tags + [tag for tag, words in kinds.items() if titled(item, words)]


def _tags(text: str) -> list[set[str]]:
    """Sets of which one tag each is wanted."""
    return [
        {one.strip() for one in (either or single).split(",")}
        for either, single in TAGS.findall(text)
        if (either or single).strip()
    ]


def _filters(text: str) -> Iterator[Filter]:
    for one in text.split(","):
        if not one.strip():
            continue
        match = FILTER.fullmatch(one.strip())
        if match is None:
            raise ValueError("numericFilters")
        yield match[1], match[2], int(match[3])


def _number(item: Item, name: str) -> int:
    match name:
        case "points":
            return item.score
        case "num_comments":
            return item.descendants
        case _:
            return item.time


def _words(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()
