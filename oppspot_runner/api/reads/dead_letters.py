"""Dead letters for HTTP: what is in `queue.dead_letters`, of a bounded number of the newest ones.

To tell to which group one belongs takes 40 us.
"""

from __future__ import annotations

from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base.redact import redact
from oppspot_runner.db.acting import BoundDatabase
from oppspot_runner.db.files import statement
from oppspot_runner.queue import dead_letters
from oppspot_runner.queue.dead_letters import Filter

ARE_MORE_THAN = statement("dead_letters/are_more_than")

MOST_LOOKED_AT = 4_000


async def groups(database: BoundDatabase, wanted: Filter) -> tuple[list[DictRow], bool]:
    """Groups, those first that failed last, without secrets; and whether all were looked at.

    Else the numbers are least ones, of the newest MOST_LOOKED_AT dead letters.
    """
    row = await database.fetch_one(ARE_MORE_THAN, {"number": MOST_LOOKED_AT})
    found = await dead_letters.groups(database, wanted, MOST_LOOKED_AT)
    return [redact(one) for one in found], row is not None and not row["more"]


async def page(
    database: BoundDatabase, wanted: Filter, *, limit: int, before: UUID | None = None
) -> tuple[list[DictRow], UUID | None]:
    """Dead letters, the newest first, and after which id to go on."""
    rows, after = await dead_letters.page(
        database, wanted, limit=limit, before=before, look=MOST_LOOKED_AT
    )
    return [redact(row) for row in rows], after
