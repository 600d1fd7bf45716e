"""The companies of a stream as people look through them: a page at a time, filtered and sorted."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from oppspot_runner.companies.scoring_model import Stage
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

PAGE = statement("streams/page_items")
COUNT = statement("streams/count_items")

Order = Literal["position", "score"]
Priority = Literal["critical", "high", "medium", "low"]


async def list_items(
    database: Database,
    stream_id: UUID,
    *,
    by: Order = "position",
    priorities: Sequence[Priority] = (),
    stage: Stage | None = None,
    min_score: float | None = None,
    words: str | None = None,
    with_signals: bool = False,
    after: tuple[Decimal, UUID] | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Companies of a stream, the best place or the highest score first.

    `words` are part of a name or a domain, or a number; `with_signals` leaves those with a signal
    that counts today. `after` is `place` and `company_id` of the last row of the page before.
    """
    after_place, after_id = after or (None, None)
    wanted = {
        "stream_id": stream_id,
        "by": by,
        "priorities": list(priorities) or None,
        "stage": stage,
        "least": min_score,
        "words": words,
        "with_signals": with_signals,
        "after_place": after_place,
        "after_id": after_id,
        "limit": limit,
    }
    return await database.fetch_all(PAGE, wanted)


async def count_items(database: Database, stream_id: UUID) -> dict[Priority | None, int]:
    """How many companies a stream has of each priority; None: those without a score."""
    rows = await database.fetch_all(COUNT, {"stream_id": stream_id})
    return {row["priority"]: row["items"] for row in rows}
