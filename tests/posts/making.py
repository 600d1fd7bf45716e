"""Posts for tests, with everything that a test does not name made up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from oppspot_runner.posts.post import Post

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def post(title: str = "A post", **values: Any) -> Post:
    """A post of NOW."""
    given = {"external_id": "1", "link": "https://example.com/1", "posted_at": NOW, **values}
    return Post(title=title, **given)
