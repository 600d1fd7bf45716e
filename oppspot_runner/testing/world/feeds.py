"""Feeds in RSS or Atom, below `/feed/`."""

from __future__ import annotations

from collections.abc import Mapping

from oppspot_runner.testing.world.exchange import Reply, Request, with_etag
from oppspot_runner.testing.world.rss import KIND, rss
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
        name = "/".join(request.parts)
        feed = self._scene.content.feeds.get(name)
        if feed is None:
            return Reply(404)
        if not isinstance(feed, bytes):
            feed = rss(name, f"{name}.example", feed, self._scene.clock.now)
        return with_etag(Reply(200, feed, KIND), request)
