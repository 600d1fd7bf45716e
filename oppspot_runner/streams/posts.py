"""Posts of platforms that one organisation's agents found, and how far each of them has read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import BAD_CONTENT, Connection, Database
from oppspot_runner.posts.mentions import Candidates, Known, mentions
from oppspot_runner.posts.post import Counts, Mention, Post, Saved

LOCK = statement("posts/lock")
SAVE = statement("posts/save")
UPDATE_COUNTS = statement("posts/update_counts")
YOUNG = statement("posts/young")
BY_DOMAIN = statement("posts/by_domain")
BY_NAME = statement("posts/by_name")
CURSOR = statement("posts/cursor")
MOVE_CURSOR = statement("posts/move_cursor")

MOST_AT_ONCE = 500  # posts in one statement


class PostStore:
    """Posts for the organisation `org_id`. Writers take `tx`, a connection in a transaction."""

    def __init__(self, db: Database, org_id: UUID | None) -> None:
        self.db = db
        self.org_id = org_id

    async def save(
        self, platform: str, posts: Sequence[Post], *, agent_id: UUID, tx: Connection
    ) -> Saved:
        """Writes posts, each id once; those that the database refuses are told, not written.

        Many go in one statement within a savepoint; where one is refused, its half is tried again.
        """
        saved = Saved()
        fixed = {"org_id": self.org_id, "platform": platform, "agent_id": agent_id}
        await tx.execute(LOCK, fixed)
        for start in range(0, len(posts), MOST_AT_ONCE):
            await _save(tx, fixed, posts[start : start + MOST_AT_ONCE], saved)
        return saved

    async def update_counts(
        self, platform: str, counts: Sequence[Counts], *, tx: Connection
    ) -> int:
        """Writes how known posts fare now; how many of them changed."""
        fixed = {"org_id": self.org_id, "platform": platform}
        await tx.execute(LOCK, fixed)
        values = {**fixed, "counts": dumps([asdict(one) for one in counts])}
        return len(await (await tx.execute(UPDATE_COUNTS, values)).fetchall())

    async def young(self, platform: str, age: timedelta, limit: int) -> list[str]:
        """The ids of at most `limit` posts that were written within `age`, the newest first."""
        values = {"org_id": self.org_id, "platform": platform, "age": age, "limit": limit}
        return [row["external_id"] for row in await self.db.fetch_all(YOUNG, values)]

    async def companies_in(self, found: Sequence[Candidates]) -> list[list[Mention]]:
        """For each of `found` the companies that the organisation may see and that it names."""
        domains = sorted({domain for one in found for domain in one.domains})
        names = sorted({name for one in found for name in one.names})
        by_domain = await self._known(BY_DOMAIN, "domains", domains)
        by_name = await self._known(BY_NAME, "names", names)
        return [mentions(one, by_domain, by_name) for one in found]

    async def cursor(self, agent_id: UUID, source: str) -> datetime | None:
        """How far the agent has read the source, None when it has not begun."""
        row = await self.db.fetch_one(CURSOR, {"agent_id": agent_id, "source": source})
        return row["seen_until"] if row else None

    async def move_cursor(
        self, agent_id: UUID, source: str, seen_until: datetime, *, tx: Connection
    ) -> None:
        """Says that the agent has read the source so far; a cursor that is further stays."""
        values = {"agent_id": agent_id, "source": source, "seen_until": seen_until}
        await tx.execute(MOVE_CURSOR, values)

    async def _known(self, query: Any, name: str, keys: list[str]) -> list[Known]:
        if not keys:
            return []
        rows = await self.db.fetch_all(query, {"org_id": self.org_id, name: keys})
        return [Known(**row) for row in rows]


async def _save(
    tx: Connection, fixed: Mapping[str, Any], posts: Sequence[Post], saved: Saved
) -> None:
    rows = dumps(clean([post.model_dump(mode="json") for post in posts]))
    try:
        async with tx.transaction():
            cursor = await tx.execute(SAVE, {**fixed, "posts": rows})
            for row in await cursor.fetchall():
                (saved.new if row["is_new"] else saved.known).append(row["external_id"])
    except BAD_CONTENT as error:
        if len(posts) == 1:
            saved.refused[posts[0].external_id] = " ".join(str(error).split())[:200]
            return
        middle = len(posts) // 2
        await _save(tx, fixed, posts[:middle], saved)
        await _save(tx, fixed, posts[middle:], saved)
