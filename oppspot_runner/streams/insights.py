"""Insights and progress of one stream of one organisation."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.base.jsonsafe import clean, clean_text, dumps
from oppspot_runner.base.task import Task
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database

ADD = statement("streams/add_insight")
LIST = statement("streams/list_insights")
SET_PROGRESS = statement("streams/set_progress")

MOST_TITLE = 500  # characters


class InsightStore:
    """What agents noticed about stream `stream_id`, for the organisation `org_id`.

    `task` is the one that an insight is credited to.
    """

    def __init__(
        self, db: Database, org_id: UUID | None, stream_id: UUID, task: Task | None = None
    ) -> None:
        self.db = db
        self.org_id = org_id
        self.stream_id = stream_id
        self.task = task

    async def add(
        self,
        *,
        kind: str,
        title: str,
        evidence: dict[str, Any] | None = None,
        tx: Connection | None = None,
    ) -> UUID:
        """Writes an insight; its id. What the newest of its kind and agent says is not repeated.

        `kind` is lower case with underscores. Raises NotFoundError when the stream is gone, or is
        not the organisation's.
        """
        task = self.task
        values = {
            "org_id": self.org_id,
            "stream_id": self.stream_id,
            "kind": kind,
            "title": clean_text(title, most=MOST_TITLE),
            "evidence": dumps(clean(evidence or {})),
            "agent_id": task.agent.id if task and task.agent else None,
            "task_id": task.id if task else None,
            "execution_id": task.execution_id if task else None,
        }
        if tx is None:
            row = await self.db.fetch_one(ADD, values)
        else:
            row = await (await tx.execute(ADD, values)).fetchone()
        if row is None:
            raise NotFoundError(f"there is no stream {self.stream_id} any more")
        insight_id: UUID = row["id"]
        return insight_id

    async def set_progress(self, progress: dict[str, Any], *, tx: Connection | None = None) -> None:
        """Puts the keys of `progress` over those that the stream has; the others stay."""
        values = {
            "org_id": self.org_id,
            "stream_id": self.stream_id,
            "progress": dumps(clean(progress)),
        }
        if tx is None:
            await self.db.execute(SET_PROGRESS, values)
        else:
            await tx.execute(SET_PROGRESS, values)

    async def newest(
        self, limit: int = 20, *, before: tuple[datetime, UUID] | None = None
    ) -> list[dict[str, Any]]:
        """The newest insights first; `before` is time and id of the last one of the page before."""
        before_at, before_id = before or (None, None)
        values = {
            "org_id": self.org_id,
            "stream_id": self.stream_id,
            "before_at": before_at,
            "before_id": before_id,
            "limit": limit,
        }
        return await self.db.fetch_all(LIST, values)
