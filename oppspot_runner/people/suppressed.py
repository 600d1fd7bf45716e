"""Who is not to be approached, among those that somebody asks about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Suppressed:
    """Those of what was asked about that are not to be approached, written as they were asked."""

    emails: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    company_ids: frozenset[UUID] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.emails or self.domains or self.company_ids)
