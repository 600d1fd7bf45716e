"""Which person on record somebody is whom a register names.

By an id of the register first, else by name with month and year of birth, and never by the name
alone: two of one name of whom no more is known are two people. A company is known by its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from oppspot_runner.people.person import Born, NamedPerson


@dataclass
class KnownPerson:
    """A person on record, or `is_new`; `named` is how the register names that person now."""

    id: UUID
    key: str
    born: Born | None = None
    register_ids: set[str] = field(default_factory=set)
    register_number: str | None = None
    is_new: bool = False
    named: list[NamedPerson] = field(default_factory=list)


def sort_out(
    named: Sequence[NamedPerson], known: Iterable[KnownPerson]
) -> tuple[list[KnownPerson], list[UUID]]:
    """Who is who: the people that are named, new ones among them, and the id for each of `named`.

    Those with an id of the register come first, because they are known best.
    """
    people = list(known)
    ids: dict[int, UUID] = {}
    for place in sorted(range(len(named)), key=lambda one: named[one].register_id is None):
        person = _same(named[place], people)
        if person is None:
            person = _new(named[place])
            people.append(person)
        _learn(person, named[place])
        ids[place] = person.id
    return [one for one in people if one.named], [ids[place] for place in range(len(named))]


def _same(named: NamedPerson, people: Sequence[KnownPerson]) -> KnownPerson | None:
    if named.register_id is not None:
        for one in people:
            if named.register_id in one.register_ids:
                return one
    if named.is_company:
        number = named.register_number
        found = [one for one in people if number is not None and one.register_number == number]
    else:
        key, born = named.key, named.born
        found = [one for one in people if born is not None and (one.key, one.born) == (key, born)]
    return found[0] if len(found) == 1 else None


def _new(named: NamedPerson) -> KnownPerson:
    return KnownPerson(uuid4(), named.key, register_number=named.register_number, is_new=True)


def _learn(person: KnownPerson, named: NamedPerson) -> None:
    """A later one of the same answers may be the same by what is known now."""
    person.named.append(named)
    person.born = person.born or named.born
    if named.register_id is not None:
        person.register_ids.add(named.register_id)
