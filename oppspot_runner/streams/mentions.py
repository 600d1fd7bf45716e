"""Takes whoever was forgotten out of what is seen and told of companies, before it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from oppspot_runner.companies.company import Fact
from oppspot_runner.companies.items import Enriched
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection
from oppspot_runner.people.mentions import ends_of, possible_ends, without_mentions
from oppspot_runner.signals.merging import short_key
from oppspot_runner.signals.sighting import Sighting

AFTER_FORGETTING = statement("people/after_forgetting")
FORGOTTEN_AT = statement("people/forgotten_at")

Ends = set[tuple[str, str]]


async def without_forgotten(
    tx: Connection, company_id: UUID, sightings: Sequence[Sighting]
) -> Sequence[Sighting]:
    """The sightings with `[forgotten]` for the names of those who were forgotten at the company."""
    ends = sorted({pair for one in sightings for pair in possible_ends(_said(one))})
    if not ends:
        return sightings
    gone = await _forgotten_at(tx, company_id, ends)
    return [_without(one, gone) for one in sightings] if gone else sightings


async def without_forgotten_officers(tx: Connection, page: Sequence[Enriched]) -> list[Enriched]:
    """The page without officers who were forgotten since the register was asked."""
    kept = []
    for one in page:
        ends = {pair for fact in one.facts for pair in map(ends_of, _officers(fact)) if pair}
        gone = await _forgotten_at(tx, one.company_id, sorted(ends)) if ends else set()
        facts = (_without_officers(fact, gone) for fact in one.facts) if gone else one.facts
        kept.append(replace(one, facts=[fact for fact in facts if fact is not None]))
    return kept


async def _forgotten_at(tx: Connection, company_id: UUID, ends: Sequence[tuple[str, str]]) -> Ends:
    await tx.execute(AFTER_FORGETTING)
    firsts, lasts = zip(*ends, strict=True)
    asked = {"company_id": company_id, "firsts": list(firsts), "lasts": list(lasts)}
    rows = await (await tx.execute(FORGOTTEN_AT, asked)).fetchall()
    return {(row["first"], row["last"]) for row in rows}


def _officers(fact: Fact) -> list[str]:
    if fact.field != "officers" or not isinstance(fact.value, list):
        return []
    return [str(one.get("name", "")) for one in fact.value if isinstance(one, dict)]


def _without_officers(fact: Fact, gone: Ends) -> Fact | None:
    if not any(ends_of(name) in gone for name in _officers(fact)):
        return fact
    rest = [one for one in fact.value if ends_of(str(one.get("name", ""))) not in gone]
    return replace(fact, value=rest) if rest else None


def _said(sighting: Sighting) -> str:
    stated = (one for one in sighting.data.values() if isinstance(one, str))
    address = (sighting.source_url or "").replace("%20", " ")
    return " \n ".join((sighting.title, sighting.event, sighting.key, address, *stated))


def _without(sighting: Sighting, gone: Ends) -> Sighting:
    key = short_key(sighting.key)
    if without_mentions(key, gone) != key:  # as what is on record is called since
        key = sha256(key.encode()).hexdigest()
    address = sighting.source_url
    return replace(
        sighting,
        key=key,
        title=without_mentions(sighting.title, gone),
        event=without_mentions(sighting.event, gone),
        source_url=without_mentions(address, gone) if address else address,
        data=_clear(sighting.data, gone),
    )


def _clear(data: Mapping[str, Any], gone: Ends) -> dict[str, Any]:
    return {
        name: without_mentions(value, gone) if isinstance(value, str) else value
        for name, value in data.items()
    }
