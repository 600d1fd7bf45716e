"""What is found by statements that look at a bounded number of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg.rows import DictRow


def portion(rows: Sequence[DictRow], limit: int) -> tuple[list[DictRow], Any]:
    """At most `limit` of these rows, of which one more was wanted, and after which id to go on.

    That is None where there is nothing more.
    `matches` says whether a row is one that was asked for, `ends_look` that no more were looked at;
    rows come back without them.
    """
    if len(rows) > limit:
        return _unmarked(rows[:limit]), rows[limit - 1]["id"]
    after = rows[-1]["id"] if rows and rows[-1]["ends_look"] else None
    return _unmarked(row for row in rows if row["matches"]), after


def _unmarked(rows: Iterable[DictRow]) -> list[DictRow]:
    shown = list(rows)
    for row in shown:
        del row["matches"], row["ends_look"]
    return shown
