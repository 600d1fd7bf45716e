"""The search of Hacker News, below `/algolia/`: it reaches the first 1,000 hits of a query."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from oppspot_runner.testing.world.algolia_search import StoryIndex, tags_of
from oppspot_runner.testing.world.content import Item
from oppspot_runner.testing.world.exchange import Reply, Request, json_reply
from oppspot_runner.testing.world.limits import Limit
from oppspot_runner.testing.world.scene import Scene

LIMIT = "hacker_news_search"
REAL_LIMIT = Limit(10_000, 3_600.0)
MOST_REACHED = 1_000
MOST_A_PAGE = 1_000


class HackerNewsSearch:
    """Searches the items of the content."""

    prefix = "/algolia/"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._index = StoryIndex(scene.content.items)

    def settings(self) -> Mapping[str, str]:
        """The variable that leads to it."""
        return {"OPPSPOT_HACKER_NEWS_SEARCH_URL": f"{self._scene.url}/algolia"}

    def answer(self, request: Request) -> Reply:
        """The right answer. Raises ValueError for parameters that make no sense."""
        if not self._scene.counter(LIMIT).take("").granted:
            return json_reply({"status": 429, "error": "Too Many Requests"}, 429)
        match request.parts:
            case ["search"]:
                return self._search(request, by_date=False)
            case ["search_by_date"]:
                return self._search(request, by_date=True)
            case ["items", number]:
                item = self._index.items.get(int(number)) if number.isdecimal() else None
                if item is not None:
                    return json_reply(self._tree(item))
        return json_reply({"status": 404, "error": "Not Found"}, 404)

    def _search(self, request: Request, *, by_date: bool) -> Reply:
        given = request.parameters
        found = self._index.search(
            given.get("query", ""),
            given.get("tags", ""),
            given.get("numericFilters", ""),
            by_date=by_date,
            until=self._scene.clock.seconds,
        )
        size = request.whole("hitsPerPage", 20, MOST_A_PAGE)
        page = request.whole("page", 0, 10**9)
        reached = found[:MOST_REACHED]
        return json_reply(
            {
                "hits": [self._hit(one) for one in reached[page * size : (page + 1) * size]],
                "nbHits": len(found),
                "page": page,
                "nbPages": -(-len(reached) // size) if size else 0,
                "hitsPerPage": size,
                "exhaustiveNbHits": True,
                "query": given.get("query", ""),
                "processingTimeMS": 1,
            }
        )

    def _hit(self, item: Item) -> dict[str, Any]:
        story = self._index.story_of(item)
        is_comment = item.type == "comment"
        return {
            "objectID": str(item.id),
            "title": item.title,
            "url": item.url,
            "author": item.by,
            "points": None if is_comment else item.score,
            "num_comments": None if is_comment else item.descendants,
            "story_text": None if is_comment else item.text,
            "comment_text": item.text if is_comment else None,
            "story_id": story.id if is_comment else None,
            "story_title": story.title if is_comment else None,
            "story_url": story.url if is_comment else None,
            "parent_id": item.parent,
            "created_at": _text(item),
            "created_at_i": item.time,
            "_tags": tags_of(item, story),
            "_highlightResult": {},
        }

    def _tree(self, item: Item) -> dict[str, Any]:
        return {
            "id": item.id,
            "created_at": _text(item),
            "created_at_i": item.time,
            "type": item.type,
            "author": item.by,
            "title": item.title,
            "url": item.url,
            "text": item.text,
            "points": None if item.type == "comment" else item.score,
            "parent_id": item.parent,
            "story_id": self._index.story_of(item).id,
            "children": [self._tree(one) for one in self._index.children_of(item)],
            "options": [],
        }


def _text(item: Item) -> str:
    return datetime.fromtimestamp(item.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
