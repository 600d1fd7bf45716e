"""Drafts of one organisation, as the agent that writes them sees the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.base.task import Task
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.drafts.background import Background, NewDraft, Priority

ADD = statement("drafts/add")
BACKGROUND = statement("drafts/background")
DUE = statement("drafts/due")
REPLACE = statement("drafts/replace")

MOST_DUE = 1_000


class DraftStore:
    """Drafts for the organisation `org_id`, credited to `task` and told of the stream."""

    def __init__(
        self, db: Database, org_id: UUID | None, stream_id: UUID | None, task: Task
    ) -> None:
        self.db = db
        self._own = {"org_id": org_id, "stream_id": stream_id}
        self._origin = {
            "agent_id": task.agent.id if task.agent else None,
            "agent": (task.agent.name if task.agent else None) or "writer",
            "task_id": task.id,
        }

    async def due(
        self,
        channel: str,
        *,
        priority: Priority,
        min_score: float | None = None,
        company_ids: Sequence[UUID] | None = None,
    ) -> list[UUID]:
        """Companies to write to: those of the stream from `priority` on, or `company_ids`.

        Who was not written to yet comes first; at most MOST_DUE.
        """
        values = {
            **self._own,
            "channel": channel,
            "priority": priority,
            "min_score": min_score,
            "company_ids": None if company_ids is None else list(company_ids),
            "limit": MOST_DUE,
        }
        return [row["id"] for row in await self.db.fetch_all(DUE, values)]

    async def background(self, company_id: UUID, channel: str) -> Background:
        """What else is known before a company is written to, but for what this task wrote."""
        values = {**self._own, **self._origin, "company_id": company_id, "channel": channel}
        row = await self.db.fetch_one(BACKGROUND, values)
        assert row is not None
        return Background(row["reasons"], frozenset(row["hashes"]), row["pages"])

    async def save(self, new: NewDraft) -> UUID:
        """Writes a draft in place of the open one, in a transaction of its own; its id.

        Doing it again in the same task changes nothing. Raises NotFoundError when the company is
        gone.
        """
        values = {**self._own, **self._origin, **_columns(new)}
        async with self.db.transaction() as tx:
            await tx.execute(REPLACE, values)
            row = await (await tx.execute(ADD, values)).fetchone()
        if row is None:
            raise NotFoundError(f"there is no company {new.company_id} any more")
        draft_id: UUID = row["id"]
        return draft_id


def _columns(new: NewDraft) -> dict[str, Any]:
    sheet, draft = new.sheet, new.draft
    return {
        "company_id": new.company_id,
        "channel": sheet.channel,
        "language": sheet.language,
        "tone": sheet.tone,
        "recipient": sheet.recipient.name or None,
        "recipient_email": sheet.recipient.email or None,
        "sender": dumps(clean(sheet.sender)),
        "subject": draft.subject,
        "body": draft.body,
        "cta": draft.cta,
        "claims": dumps(clean(draft.claims)),
        "facts": dumps(clean(sheet.facts)),
        "written_by": "model" if new.by_model else "template",
        "model": new.model,
        "repairs": new.repairs,
        "prompt_hash": new.prompt_hash,
    }
