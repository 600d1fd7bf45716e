"""Merges of companies: what follows, what is refused, and that all of it can be taken back."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from oppspot_runner.base.errors import ConflictError, InvalidInputError, NotFoundError
from oppspot_runner.streams import resolution
from tests.streams.world import World

STATE = (
    "SELECT to_jsonb(c) - 'updated_at' AS row FROM companies c ORDER BY id",
    "SELECT to_jsonb(f) AS row FROM facts f ORDER BY id",
    "SELECT to_jsonb(i) - 'updated_at' AS row FROM stream_items i ORDER BY id",
)


async def state(world: World) -> list[Any]:
    return [[row["row"] for row in await world.all(query)] for query in STATE]


async def score(world: World, item: UUID, value: float) -> None:
    await world.all(
        "UPDATE stream_items SET quality_score = %s, priority = 'low', score_confidence = 1,"
        " scored_at = now() WHERE id = %s RETURNING id",
        value,
        item,
    )


async def test_facts_places_and_what_was_not_known_follow_and_come_back(world: World) -> None:
    kept = await world.company("Acme Ltd", country="GB", employees=12)
    gone = await world.company(
        "Acme",
        country="GB",
        phone="0123456",
        company_number="123",
        tech=["Django"],
        links={"x": "y"},
    )
    below = await world.company("ACME", facts=False)
    await resolution.merge(world.db, below, gone)
    only_gone, both = await world.stream(), await world.stream()
    await world.item(only_gone, gone)
    worse, better = await world.item(both, kept), await world.item(both, gone)
    await score(world, worse, 2.5)
    await score(world, better, 3.5)
    before = await state(world)

    await resolution.merge(world.db, gone, kept, reason="domain", merged_by="me")
    row = await resolution.show(world.db, kept)
    assert (row["phone"], row["company_number"], row["employees"]) == ("0123456", "123", 12)
    assert row["tech"] == ["Django"]
    assert {one["id"] for one in row["merged"]} >= {str(gone)}
    facts = await world.all("SELECT field FROM facts WHERE company_id = %s ORDER BY field", kept)
    assert [one["field"] for one in facts] == [
        *("company_number", "country", "employees", "links", "phone", "tech")
    ]
    items = await world.all("SELECT stream_id, company_id, quality_score::float8 FROM stream_items")
    assert sorted((one["stream_id"], one["quality_score"]) for one in items) == sorted(
        [(only_gone, None), (both, 3.5)], key=lambda pair: pair[0]
    )
    assert {one["company_id"] for one in items} == {kept}

    assert await resolution.unmerge(world.db, gone) == kept
    assert await state(world) == before


async def test_what_changed_since_a_merge_stays_when_it_is_taken_back(world: World) -> None:
    kept = await world.company("Acme Ltd")
    gone = await world.company("Acme", phone="0123456", email="a@acme.com")
    await resolution.merge(world.db, gone, kept)
    await world.all("UPDATE companies SET phone = '999999' WHERE id = %s RETURNING id", kept)
    await world.fact(kept, "phone", "999999", "somebody")
    await resolution.unmerge(world.db, gone)
    row = await resolution.show(world.db, kept)
    assert (row["phone"], row["email"]) == ("999999", None)
    assert [fact["source"] for fact in row["facts"]] == ["somebody"]


async def test_what_may_not_be_merged_is_refused_with_the_reason(world: World) -> None:
    one, other = await world.company("One"), await world.company("Other")
    theirs = await world.company("Theirs", org_id=await world.organisation())
    with pytest.raises(ConflictError, match="different organisations"):
        await resolution.merge(world.db, theirs, one)
    with pytest.raises(InvalidInputError, match="into itself"):
        await resolution.merge(world.db, one, one)
    with pytest.raises(NotFoundError, match="there is no company"):
        await resolution.merge(world.db, one, uuid4())
    with pytest.raises(NotFoundError, match="not merged"):
        await resolution.unmerge(world.db, one)
    await resolution.merge(world.db, one, other)
    with pytest.raises(ConflictError, match="One is merged into another"):
        await resolution.merge(world.db, one, other)
    last = await world.company("Last")
    await resolution.merge(world.db, other, last)
    assert (await resolution.show(world.db, one))["merged_into"]["id"] == str(last)
    with pytest.raises(ConflictError, match="into another company afterwards"):
        await resolution.unmerge(world.db, one)
    await resolution.unmerge(world.db, other)
    assert (await resolution.show(world.db, one))["merged_into"]["id"] == str(other)
    await resolution.unmerge(world.db, one)


async def test_two_merges_at_once_of_the_same_two_end_with_one(world: World) -> None:
    one, other = await world.company("One"), await world.company("Other")
    ends = await asyncio.gather(
        resolution.merge(world.db, one, other),
        resolution.merge(world.db, other, one),
        return_exceptions=True,
    )
    assert sorted(type(end).__name__ for end in ends) == ["ConflictError", "UUID"]
    assert len(await world.all("SELECT FROM companies WHERE merged_into IS NOT NULL")) == 1


async def test_exact_keys_of_different_sources_are_the_same_company(world: World) -> None:
    async def known(name: str, origin: str, **values: Any) -> UUID:
        made = await world.company(name, facts=False, **values)
        await world.all("UPDATE companies SET source = %s WHERE id = %s RETURNING id", origin, made)
        return made

    register = await known("ACME LIMITED", "register", country="GB", company_number="1")
    listed_acme = await known("Acme Ltd", "list", country="GB", domain="acme.com")
    site = await known("The Acme Company of Leeds", "web", domain="acme.com", country="IE")
    await known("Bolt", "list", country="GB", domain="bolt.com")
    await known("Bolt", "web", country="GB", domain="bolt.co.uk")  # another domain
    await known("Cobb", "list", country="GB", company_number="7")
    await known("Cobb", "register", country="GB", company_number="8")  # another number
    await known("Dent", "list", country="GB")
    await known("Dent", "list", country="GB")  # one source lists both
    await known("Dent", "web", country="FR")  # elsewhere
    for origin in ("list", "web", "register"):
        await known("Ebb", origin, country="GB")  # each has two candidates
    theirs = await known("Fir", "list", country="GB", org_id=await world.organisation())
    await known("Fir", "web", country="GB")
    pairs = await resolution.same(world.db)
    assert {(pair["company_id"], pair["into"], pair["reason"]) for pair in pairs} == {
        (listed_acme, register, "name and country"),
        (site, listed_acme, "domain"),
    }
    assert theirs not in {pair["company_id"] for pair in pairs}
    merged = await resolution.merge_same(world.db, pairs)
    merged += await resolution.merge_same(world.db, await resolution.same(world.db))
    assert merged == 2
    assert (await resolution.show(world.db, site))["merged_into"]["id"] == str(register)
    assert await resolution.same(world.db) == []


async def test_alike_names_of_one_town_are_suggested_until_somebody_decides(world: World) -> None:
    values: dict[str, Any] = {"country": "GB", "town": "Leeds", "facts": False}
    one = await world.company("Harbour Ledger", **values)
    other = await world.company("Harbor Ledger", **values)
    third = await world.company("Ledger Harbour", **{**values, "town": "York"})
    own = await world.company("Harbour Ledger", **values, org_id=await world.organisation())
    assert await resolution.look_for_duplicates(world.db) == 1
    (pair,) = await resolution.duplicates(world.db)
    assert {pair["company_id"], pair["other_id"]} == {one, other}
    assert {third, own}.isdisjoint(pair.values())
    await resolution.dismiss(world.db, one, other)
    assert await resolution.look_for_duplicates(world.db) == 1
    assert await resolution.duplicates(world.db) == []
    assert (await world.all("SELECT merged_into FROM companies")) == [{"merged_into": None}] * 4
    assert await resolution.look_for_duplicates(world.db, country="IE") == 0


async def test_a_company_is_found_by_what_people_call_it(world: World) -> None:
    acme = await world.company("Acme Ltd", domain="acme.com", company_number="00000042")
    for asked in ("acme", "https://www.acme.com/about", "00000042", str(acme), str(acme)[:13]):
        assert await resolution.find_company(world.db, asked) == acme
    with pytest.raises(NotFoundError, match="there is no company 'nobody'"):
        await resolution.find_company(world.db, "nobody")
    await world.company("Acme Inc")
    with pytest.raises(InvalidInputError, match="company acme may be any of"):
        await resolution.find_company(world.db, "acme")
