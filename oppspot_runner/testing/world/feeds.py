"""Feeds in RSS or Atom, below `/feed/`."""

from __future__ import annotations

from collections.abc import Mapping

from oppspot_runner.testing.world.exchange import Reply, Request, with_etag
from oppspot_runner.testing.world.scene import Scene


class Feeds:
    """Answers with the feeds of the content, by name."""

    prefix = "/feed/"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def settings(self) -> Mapping[str, str]:
        """Nothing: who publishes a feed says where it is."""
        return {}

    def answer(self, request: Request) -> Reply:
        """The feed, or 304 where it is as it was."""
        feed = self._scene.content.feeds.get("/".join(request.parts))
        if feed is None:
            return Reply(404)
        return with_etag(Reply(200, feed, {"Content-Type": "application/rss+xml"}), request)
