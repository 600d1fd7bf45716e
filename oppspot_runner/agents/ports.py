"""What an agent may ask of the world, as protocols. The concrete classes are wired in `app`.

Every store sees the organisation of the task only: rows of that organisation, and of `companies`
and `facts` also the rows that belong to nobody. Writers take `tx`, the connection that
`save_results` is given, to write inside the finishing transaction; without it they write at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID


class Journal(Protocol):
    """What an attempt writes about itself while it runs; every write is fenced by its token."""

    async def progress(self, done: float, total: float | None, message: str | None) -> None: ...

    async def steps(self) -> dict[tuple[str, int], Any]: ...

    async def remember(self, name: str, seq: int, result: Any) -> None: ...


class InsightStore(Protocol):
    """Insights of the task's stream and the stream's progress."""

    async def add(
        self,
        *,
        kind: str,
        title: str,
        evidence: dict[str, Any] | None = None,
        tx: Any = None,
    ) -> UUID: ...

    async def set_progress(self, progress: dict[str, Any], *, tx: Any = None) -> None: ...


class CompanyStore(Protocol):
    """Companies and their facts, as far as the task's organisation may see them."""

    async def get(self, company_id: UUID) -> Any: ...


class ItemStore(Protocol):
    """Companies in the task's stream."""

    async def ids(self) -> Sequence[UUID]: ...
