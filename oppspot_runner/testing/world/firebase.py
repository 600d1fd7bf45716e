"""Hacker News itself, below `/hn/`: lists of ids, items and users. It has no limit and no key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from oppspot_runner.testing.world.content import Item
from oppspot_runner.testing.world.exchange import Reply, Request, json_reply
from oppspot_runner.testing.world.scene import Scene

MOST_TOP, MOST_OTHERS = 500, 200
Chosen = Callable[[Item], bool]


class HackerNewsSource:
    """Answers with the items of the content."""

    prefix = "/hn/"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._items = {one.id: one for one in scene.content.items}
        self._kids: dict[int, list[int]] = {}
        for one in sorted(self._items.values(), key=lambda item: item.id):
            if one.parent is not None:
                self._kids.setdefault(one.parent, []).append(one.id)

    def settings(self) -> Mapping[str, str]:
        """The variable that leads to it."""
        return {"OPPSPOT_HACKER_NEWS_URL": f"{self._scene.url}/hn"}

    def answer(self, request: Request) -> Reply:
        """The right answer: `null` for what there is not."""
        path = "/".join(request.parts)
        if not path.endswith(".json"):
            return Reply(404, b"Not found")
        match path.removesuffix(".json").split("/"):
            case ["item", number]:
                return json_reply(self._item(number))
            case ["user", name]:
                return json_reply(self._user(name))
            case ["maxitem"]:
                return json_reply(max(self._items, default=0))
            case ["updates"]:
                return json_reply({"items": self._newest(lambda one: True)[:30], "profiles": []})
            case [name]:
                return json_reply(self._list(name))
            case _:
                return json_reply(None)

    def _list(self, name: str) -> list[int] | None:
        match name:
            case "newstories":
                return self._newest(lambda one: one.type in ("story", "poll"))[:MOST_TOP]
            case "topstories" | "beststories":
                stories = self._living(lambda one: one.type in ("story", "job", "poll"))
                best = sorted(stories, key=lambda one: (-one.score, one.id))
                return [one.id for one in best][:MOST_TOP]
            case "askstories":
                return self._newest(lambda one: titled(one, "Ask HN"))[:MOST_OTHERS]
            case "showstories":
                return self._newest(lambda one: titled(one, "Show HN"))[:MOST_OTHERS]
            case "jobstories":
                return self._newest(lambda one: one.type == "job")[:MOST_OTHERS]
        return None

    def _newest(self, chosen: Chosen) -> list[int]:
        found = sorted(self._living(chosen), key=lambda one: (-one.time, -one.id))
        return [one.id for one in found]

    def _living(self, chosen: Chosen) -> Iterable[Item]:
        return (
            one for one in self._items.values() if chosen(one) and not (one.deleted or one.dead)
        )

    def _item(self, number: str) -> dict[str, Any] | None:
        item = self._items.get(int(number)) if number.isdecimal() else None
        if item is None:
            return None
        shown: dict[str, Any] = {"id": item.id, "type": item.type, "time": item.time}
        if item.parent is not None:
            shown["parent"] = item.parent
        if item.deleted:
            return {**shown, "deleted": True}
        said = {"by": item.by, "title": item.title, "url": item.url, "text": item.text}
        shown |= {name: text for name, text in said.items() if text is not None}
        if item.type != "comment":
            shown |= {"score": item.score, "descendants": item.descendants}
        if kids := self._kids.get(item.id):
            shown["kids"] = kids
        return {**shown, "dead": True} if item.dead else shown

    def _user(self, name: str) -> dict[str, Any] | None:
        submitted = self._newest(lambda one: one.by == name)
        if not submitted:
            return None
        created = min(self._items[one].time for one in submitted)
        return {"id": name, "created": created, "karma": len(submitted), "submitted": submitted}


def titled(item: Item, words: str) -> bool:
    """Whether a story is one of those whose title begins with these words."""
    return item.type == "story" and (item.title or "").startswith(words)
