"""Ways from somebody we know to somebody who decides, told without names.

Whoever reads a path looks the names up: they stand in the tables of people alone, so that somebody
who is forgotten is in no old result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from oppspot_runner.people.strengths import Tie

MOST_STEPS = 3


@dataclass(frozen=True)
class Step:
    """One step of a path: by which tie, to whom, and where the two met."""

    tie: Tie
    person_id: UUID
    company_number: str | None = None
    company_name: str | None = None
    until: date | None = None

    @property
    def why(self) -> str:
        """The tie in words."""
        where = self.company_name or "a company"
        match self.tie:
            case "colleague":
                return f"works at {where}"
            case "fellow":
                return f"in office together at {where}"
            case "former":
                until = f" until {self.until}" if self.until else ""
                return f"were in office together at {where}{until}"
            case _:
                return f"{where} is in the same group"


@dataclass(frozen=True)
class Path:
    """The strongest way from a contact to a decision maker; no steps: the contact is that one."""

    company_id: UUID
    contact_id: UUID
    target_id: UUID
    strength: float
    steps: tuple[Step, ...] = ()
    found: int = 1  # how many there are to the company

    @classmethod
    def of(
        cls,
        company_id: UUID,
        contact_id: UUID,
        target_id: UUID,
        strength: float,
        steps: Sequence[Sequence[Any]],
        found: int,
    ) -> Path:
        """A path from the form in which it is read."""
        read = (
            Step(tie, UUID(to), number, name, date.fromisoformat(until) if until else None)
            for tie, to, number, name, until in steps
        )
        return cls(company_id, contact_id, target_id, round(strength, 4), tuple(read), found)

    @property
    def via(self) -> tuple[UUID, ...]:
        """The people in between, in their order."""
        return tuple(step.person_id for step in self.steps[:-1])

    @property
    def why(self) -> str:
        """All ties in words, in their order."""
        return "; ".join(step.why for step in self.steps) or "the contact is in office there"
