"""People and their offices, as a register names them and as they are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from oppspot_runner.people.names import MOST_NAME, is_formation_agent, name_key, person_name

MOST_APPOINTMENTS = 1_000  # who has more is a name that is lent, not somebody to know
OWNERS = {  # by the end of what registers call them
    "significant-control": "person with significant control",
    "beneficial-owner": "beneficial owner",
}

Born = tuple[int, int]  # year and month
Nominee = Literal["appointments", "formation_agent", "corporate"]


@dataclass(frozen=True)
class NamedPerson:
    """Somebody as a register names them; `register_number` is that of one who is a company."""

    name: str
    key: str
    born: Born | None = None
    register_id: str | None = None
    register_number: str | None = None
    is_company: bool = False
    source_url: str | None = None

    @classmethod
    def written(
        cls,
        name: str,
        *,
        born: Born | None = None,
        register_id: str | None = None,
        register_number: str | None = None,
        is_company: bool = False,
        source_url: str | None = None,
    ) -> NamedPerson:
        """Somebody whose name is written as a register writes it."""
        shown = name.strip()[:MOST_NAME] if is_company else person_name(name)
        key = name_key(name)
        return cls(shown, key, born, register_id, register_number, is_company, source_url)

    @property
    def nominee(self) -> Nominee | None:
        """Why what this one shares with others says nothing, as far as the name tells."""
        if is_formation_agent(self.name):
            return "formation_agent"
        return "corporate" if self.is_company else None

    @property
    def traces(self) -> tuple[str, ...]:
        """What digests are made of, by which one who was forgotten stays forgotten."""
        return traces(self.key, self.born, [self.register_id] if self.register_id else [])


def traces(key: str, born: Born | None, register_ids: Sequence[str]) -> tuple[str, ...]:
    """See NamedPerson.traces; by the name alone nobody is told."""
    by_id = tuple(f"id {one}" for one in register_ids)
    return by_id if born is None else (*by_id, f"born {key} {born[0]:04}-{born[1]:02}")


def contact_trace(key: str, company_norm: str | None) -> str:
    """What a digest is made of that stands for a contact without an address."""
    return f"contact {key} of {company_norm or ''}"


@dataclass(frozen=True)
class Office:
    """An office in a company, in the words of the register."""

    company_number: str
    company_name: str
    role: str
    appointed_on: date | None = None
    resigned_on: date | None = None
    occupation: str | None = None
    company_status: str | None = None
    source_url: str | None = None


@dataclass(frozen=True)
class Holder:
    """Who holds which offices. `appointment_count` is given where it is all offices of a person."""

    person: NamedPerson
    offices: tuple[Office, ...]
    appointment_count: int | None = None

    @property
    def nominee(self) -> Nominee | None:
        """As NamedPerson.nominee, and as the number of offices tells."""
        many = (self.appointment_count or 0) > MOST_APPOINTMENTS
        return "appointments" if many else self.person.nominee


@dataclass(frozen=True)
class Seat:
    """An office that somebody on record holds now."""

    company_id: UUID
    person_id: UUID
    name: str
    role: str
    occupation: str | None
    appointed_on: date | None
    nominee: Nominee | None


@dataclass(frozen=True)
class Kin:
    """A company of the same group as another one."""

    company_id: UUID
    relation: Literal["parent", "subsidiary", "sister"]
    company_number: str
    company_name: str


@dataclass(frozen=True)
class Ambiguity:
    """People who may be one, or officers of whom a contact may be one; nobody was merged."""

    kind: Literal["people", "contact"]
    ids: tuple[UUID, ...]


def is_owner(role: str) -> bool:
    """Whether a role means that somebody controls the company rather than works for it."""
    return role.endswith(tuple(OWNERS))


def role_in_words(role: str) -> str:
    """A role as people read it: "person with significant control", "corporate director"."""
    owner = next((words for end, words in OWNERS.items() if role.endswith(end)), None)
    return owner or role.replace("-", " ")
