"""What is found by statements that look at a bounded number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg.rows import DictRow


def portion(rows: Sequence[DictRow], limit: int) -> tuple[list[DictRow], UUID | None]:
    """At most `limit` of these rows, of which one more was wanted, and after which id to go on.

    `matches` says whether a row is one that was asked for, `ends_look` that no more were looked at.
    """
    if len(rows) > limit:
        return list(rows[:limit]), rows[limit - 1]["id"]
    after = rows[-1]["id"] if rows and rows[-1]["ends_look"] else None
    return [row for row in rows if row["matches"]], after
