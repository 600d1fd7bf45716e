"""Writes who a register says is in office in a company, so that each person is one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.people.matching import KnownPerson, sort_out
from oppspot_runner.people.person import Holder, Nominee

CHECK = statement("people/check")
DROP_APPOINTMENTS = statement("people/drop_appointments")
FORGOTTEN = statement("people/forgotten")
KNOWN = statement("people/known")
LINK_CONTACTS = statement("people/link_contacts")
LOCK = statement("people/lock")
SAVE = statement("people/save")
SAVE_APPOINTMENTS = statement("people/save_appointments")


async def save_people(
    db: Database,
    org_id: UUID | None,
    company_id: UUID,
    number: str | None,
    holders: Sequence[Holder],
    *,
    source: str,
    outcome: str,
) -> None:
    """Writes all who hold or held offices in a company, in one transaction; again changes nothing.

    Of `holders` some come with all their offices elsewhere. Offices that the register does not
    have any more go, unless it was not heard to the end (`outcome` is not `ok`).
    """
    own: dict[str, Any] = {"org_id": org_id, "company_id": company_id, "company_number": number}
    async with db.transaction() as tx:
        await tx.execute(LOCK, own)
        holders = await _remembered(tx, holders)
        if holders:
            people, ids = sort_out([one.person for one in holders], await _known(tx, own, holders))
            rows = [_person_row(one, _of(one, ids, holders)) for one in people]
            offices = [
                {"person_id": person_id, **asdict(office)}
                for person_id, holder in zip(ids, holders, strict=True)
                for office in holder.offices
            ]
            given = {**own, "source": source, "people": dumps(clean(rows))}
            await tx.execute(SAVE, given)
            await tx.execute(SAVE_APPOINTMENTS, {**given, "appointments": dumps(clean(offices))})
        if number is not None and outcome == "ok":
            await tx.execute(DROP_APPOINTMENTS, {**own, "source": source})
        await tx.execute(LINK_CONTACTS, own)
        await tx.execute(CHECK, {**own, "outcome": outcome})


async def _remembered(tx: Connection, holders: Sequence[Holder]) -> list[Holder]:
    """Those who were not forgotten since the register was asked."""
    whats = [trace for one in holders for trace in one.person.traces]
    rows = await (await tx.execute(FORGOTTEN, {"whats": whats})).fetchall()
    gone = {row["what"] for row in rows}
    return [one for one in holders if gone.isdisjoint(one.person.traces)]


async def _known(
    tx: Connection, own: dict[str, Any], holders: Sequence[Holder]
) -> list[KnownPerson]:
    named = [one.person for one in holders]
    asked = {
        **own,
        "register_ids": sorted({one.register_id for one in named if one.register_id}),
        "keys": sorted({one.key for one in named}),
        "numbers": sorted({one.register_number for one in named if one.register_number}),
    }
    rows = await (await tx.execute(KNOWN, asked)).fetchall()
    return [
        KnownPerson(
            row["id"],
            row["name_norm"],
            (row["birth_year"], row["birth_month"]) if row["birth_year"] else None,
            set(row["register_ids"]),
            row["register_number"],
        )
        for row in rows
    ]


def _of(person: KnownPerson, ids: Sequence[UUID], holders: Sequence[Holder]) -> list[Holder]:
    return [holder for found, holder in zip(ids, holders, strict=True) if found == person.id]


def _person_row(person: KnownPerson, holders: Sequence[Holder]) -> dict[str, Any]:
    named = person.named[0]
    nominees: list[Nominee] = [one.nominee for one in holders if one.nominee is not None]
    counts = [one.appointment_count for one in holders if one.appointment_count is not None]
    born_year, born_month = person.born or (None, None)
    return {
        "id": person.id,
        "name": named.name,
        "name_norm": named.key,
        "birth_year": born_year,
        "birth_month": born_month,
        "register_ids": sorted(person.register_ids),
        "register_number": named.register_number,
        "nominee": nominees[0] if nominees else None,
        "appointment_count": max(counts) if counts else None,
        "source_url": next((one.source_url for one in person.named if one.source_url), None),
    }
