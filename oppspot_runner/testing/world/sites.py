"""Web sites: NAME.localhost, and the same below `/site/NAME/`."""

from __future__ import annotations

from collections.abc import Mapping

from oppspot_runner.testing.world.content import Page
from oppspot_runner.testing.world.exchange import Reply, Request, with_etag
from oppspot_runner.testing.world.rss import KIND, rss
from oppspot_runner.testing.world.scene import Scene

HTML = {"Content-Type": "text/html; charset=utf-8"}
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
NOT_FOUND = "<!doctype html><html><head><title>Not found</title></head><body></body></html>"
ALL = "*"
FEED = "/feed.xml"


class Sites:
    """Answers with the pages of the content."""

    prefix = "/site/"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def settings(self) -> Mapping[str, str]:
        """Nothing: companies know where their sites are."""
        return {}

    def answer(self, request: Request) -> Reply:
        """The page, or that there is none."""
        name, *rest = request.parts
        site = self._scene.content.sites.get(name)
        path = "/" + "/".join(rest)
        if site is None:
            return _reply(Page(NOT_FOUND, 404))
        if path == "/robots.txt":
            return Reply(200, site.robots.encode(), TEXT)
        if path == FEED and site.news:
            feed = rss(name, f"{name}.localhost", site.news, self._scene.clock.now)
            return with_etag(Reply(200, feed, KIND), request)
        page = site.pages.get(path) or site.pages.get(ALL)
        return _reply(Page(NOT_FOUND, 404)) if page is None else with_etag(_reply(page), request)


def _reply(page: Page) -> Reply:
    body = page.body.encode() if isinstance(page.body, str) else page.body
    return Reply(page.status, body * page.times, {**HTML, **page.headers}, page.drip)
