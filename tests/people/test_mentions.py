"""A name is found however a text writes it, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.companies.company import Fact
from oppspot_runner.companies.items import Enriched
from oppspot_runner.people.mentions import mention_pattern
from oppspot_runner.signals.sighting import Look, Sighting
from oppspot_runner.streams.enrichment import save_enrichment
from oppspot_runner.streams.forgetting import find_somebody, forget
from oppspot_runner.streams.signals import SignalStore
from tests.streams.world import World

WRITTEN = "Dr. José María O'Neill-Núñez"
SAYS = [
    "José María O'Neill-Núñez",
    "O'NEILL-NÚÑEZ, José María",
    "jose o’neill nunez",
    "Jose\u0301 M. ONeill Nun\u0303ez",
    "line\nJosé María O'Neill-Núñez\nline",
    "https://press.example/2025/jose-oneill-nunez-joins-acme",
    "jose%20oneill%20nunez",
    "é José O'Neill-Núñez é",
    "jose.oneill-nunez@acme.example",
]
KEEPS = ["José María O'Neill", "Marjose O'Neill Nunez", "Jose O'Neill Nunezson", "nunez, maria"]


async def somebody_named(world: World, name: str, key: str, company_id: UUID, org: UUID) -> UUID:
    row = await world.one(
        "INSERT INTO people (org_id, name, name_norm, birth_year, birth_month, source)"
        " VALUES (%s, %s, %s, 1970, 2, 'companies_house') RETURNING id",
        org,
        name,
        key,
    )
    await world.db.execute(
        "INSERT INTO appointments (org_id, person_id, company_id, company_number, company_name,"
        " role, source) VALUES (%s, %s, %s, '01234567', 'Acme', 'director', 'companies_house')",
        (org, row["id"], company_id),
    )
    return UUID(str(row["id"]))


async def test_a_name_is_blanked_however_texts_and_json_write_it(world: World) -> None:
    org = await world.organisation()
    stream = await world.stream(org_id=org)
    company = await world.company("Acme Ltd")
    key = "jose maria oneill nunez"
    person = await somebody_named(world, WRITTEN, key, company, org)
    add = (
        "INSERT INTO stream_insights (stream_id, org_id, kind, title, evidence)"
        " VALUES (%s, %s, 'x', %s, jsonb_build_object('said', %s::text, 'place', %s::int))"
    )
    for place, text in enumerate([*SAYS, *KEEPS]):
        await world.db.execute(add, (stream, org, text, text, place))
    (found,) = await find_somebody(world.db, str(person))
    await forget(world.db, found)
    rows = await world.all(
        "SELECT title, evidence FROM stream_insights ORDER BY evidence -> 'place'"
    )
    for row, text in zip(rows, [*SAYS, *KEEPS], strict=True):
        both = (row["title"], row["evidence"]["said"])
        if text in KEEPS:
            assert both == (text, text)
        else:
            assert all("[forgotten]" in one and "neill" not in one.lower() for one in both), both


@pytest.mark.parametrize("name", ["Sales", "True", "12 34", "true null"])
async def test_a_word_that_is_also_another_is_blanked_nowhere(world: World, name: str) -> None:
    assert mention_pattern(name) is None


async def test_who_is_forgotten_is_in_no_signal_that_is_seen_later(world: World) -> None:
    org = await world.organisation()
    company, other = await world.company("Acme Ltd"), await world.company("Other Ltd")
    person = await somebody_named(world, WRITTEN, "jose maria oneill nunez", company, org)
    store, now = SignalStore(world.db, org), datetime.now(UTC)

    def news(place: int) -> Sighting:
        return Sighting(
            "executive_change",
            "feed:press.example",
            f"https://press.example/jose-oneill-nunez-{place}",
            f"José O'Neill-Núñez joins Acme as CFO {place}",
            now,
            "strong",
            75,
            event=f"jose nunez {place}",
            source_url=f"https://press.example/jose-oneill-nunez-{place}",
            data={"person": "José O'Neill-Núñez", "role": "CFO"},
        )

    async def save(place: int, company_id: UUID = company) -> Any:
        looks = {"feed": Look((news(place),))}
        return await store.save(company_id, looks, threshold=0.7, now=now)

    await save(1)
    (found,) = await find_somebody(world.db, str(person))
    await forget(world.db, found)
    again = await save(1)
    assert (len(again.new), again.refreshed) == (0, 1)  # it is the same event as before
    new = await save(2)
    assert [one.title for one in new.new] == ["[forgotten] joins Acme as CFO 2"]
    for table in ("buying_signals", "signal_sightings", "signal_watches", "stream_insights"):
        row = await world.one(
            f"SELECT count(*) AS n FROM {table} t WHERE t::text ~* 'n.?neill|nunez|núñez'"
        )
        assert row["n"] == 0, table
    elsewhere = await save(1, other)  # who has the name there may be anybody
    assert "José" in elsewhere.new[0].title


async def test_whom_only_headlines_name_is_forgotten_by_the_name(world: World) -> None:
    org = await world.organisation()
    company = await world.company("Acme Ltd")
    store, now = SignalStore(world.db, org), datetime.now(UTC)

    async def save(key: str) -> str:
        title = "Acme: Zoë d’Arcy joins as CFO"
        told = Sighting("news_mention", "feed:x", key, title, now, "weak", 75, event=key)
        saved = await store.save(company, {"feed": Look((told,))}, threshold=0.7, now=now)
        return saved.new[0].title

    await save("1")
    assert await find_somebody(world.db, "Zoe Nobody") == []
    (found,) = await find_somebody(world.db, "D'ARCY, Zoe")
    assert (found.companies, found.told_of) == ({"Acme Ltd"}, {company})
    removed = await forget(world.db, found)
    assert set(removed) == {"texts in buying_signals"}
    assert await save("2") == "Acme: [forgotten] joins as CFO"


async def test_an_officer_who_is_forgotten_while_enrichment_is_on_is_in_no_fact(
    world: World,
) -> None:
    org = await world.organisation()
    stream, company = await world.stream(org_id=org), await world.company("Acme Ltd")
    person = await somebody_named(world, WRITTEN, "jose maria oneill nunez", company, org)
    named = [{"name": "O'NEILL-NÚÑEZ, José María"}, {"name": "ODEGARD, Bo"}]
    now = datetime.now(UTC)
    fact = Fact("officers", named, "companies_house", 0.9, now)
    alone = replace(fact, value=named[:1], source="elsewhere")
    (found,) = await find_somebody(world.db, str(person))
    await forget(world.db, found)
    page = [Enriched(company, [fact, alone])]  # what the register had said before
    await save_enrichment(world.db, org, stream, page)
    facts = await world.all("SELECT value FROM facts WHERE field = 'officers'")
    assert [row["value"] for row in facts] == [[{"name": "ODEGARD, Bo"}]]


async def test_answers_that_say_the_name_in_any_bytes_are_kept_no_longer(world: World) -> None:
    org, company = await world.organisation(), await world.company("Acme Ltd")
    person = await somebody_named(world, "Jo Lind", "jo lind", company, org)
    bodies = {
        "utf8": "é Jo Lind".encode(),
        "latin": "é JO LIND".encode("latin-1"),
        "nul": b"\x00 Lind, Jo",
        "jo-lind": b"",
        "other": "é Jo Linden".encode("latin-1"),
    }
    for name, body in bodies.items():
        await world.db.execute(
            "INSERT INTO http_cache (key, source, url, status, body, expires_at)"
            " VALUES (%s, 'site', %s, 200, %s, oppspot_now())",
            (name, f"https://press.example/{name}", body),
        )
    (found,) = await find_somebody(world.db, str(person))
    assert (await forget(world.db, found))["cached answers"] == 4
    assert await world.all("SELECT key FROM http_cache") == [{"key": "other"}]
