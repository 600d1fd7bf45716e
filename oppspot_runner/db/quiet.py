"""Connections that sleep while they wait."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from psycopg.abc import RV, PQGen
from psycopg.rows import DictRow

ASLEEP_S = 3600.0  # at most; whatever ends a wait wakes the loop


class QuietConnection(AsyncConnection[DictRow]):
    """psycopg looks up ten times a second, which made half of the work of an idle runner."""

    async def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """As in the base class."""
        return await super().wait(gen, *args, **{"interval": ASLEEP_S, **kwargs})
