"""Whoever is forgotten is in no row of any table, on no path, and does not come back."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import pytest

from oppspot_runner.agents.enrichment import EnrichmentAgent
from oppspot_runner.streams.forgetting import WITH_TEXTS, Somebody, find_somebody, forget
from oppspot_runner.testing.world.register_lists import person_id
from tests.people import register
from tests.people.conftest import Twelve
from tests.streams.world import World

# Of every table a row as a text, and what is kept of answers as the text that it is.
TABLES = """
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""
SAYS = r"annika *bergstr|bergstr\S+, annika|annika@"


async def mentions(twelve: Twelve) -> dict[str, int]:
    """In how many rows of each table the name stands, whatever the type of its columns."""
    found = {}
    for table in await twelve.world.all(TABLES):
        more = "encode(body, 'escape')" if table["name"] == "http_cache" else "''"
        query = f"SELECT count(*) AS n FROM {table['name']} t WHERE t::text || {more} ~* %s"
        row = await twelve.world.one(query, SAYS)
        if row["n"]:
            found[table["name"]] = row["n"]
    return found


OFFICERS = {"providers": ["officers"]}
NEWS = """
    INSERT INTO stream_insights (stream_id, org_id, kind, title, evidence)
    VALUES (%s, %s, 'news', 'Annika  Bergström joins', '{"who": ["Annika BERGSTRÖM", "Bo"]}')
"""
OUTPUT = """
    INSERT INTO agent_executions (org_id, status, output_data)
    VALUES (%s, 'completed', '{"people": {"BERGSTRÖM, Annika": 1}}')
"""
SIGNAL = """
    INSERT INTO buying_signals (org_id, company_id, signal_type, strength, confidence, title, event,
        occurred_at, expires_at)
    VALUES (%s, %s, 'executive_change', 'weak', 90, 'Annika Bergström became director',
        'annika bergstrom', oppspot_now(), oppspot_now())
"""


DRAFT = """
    INSERT INTO drafts (org_id, company_id, channel, language, tone, body, written_by, prompt_hash,
        status, decided_at)
    VALUES (%s, %s, 'email', 'en', 'plain', 'Dear Annika Bergström', 'template', 'x', 'approved',
        oppspot_now())
"""

CHANGED = """
    INSERT INTO audit_log (org_id, actor, action, kind, before)
    VALUES (%s, 'somebody', 'draft.approve', 'draft', '{"body": "Dear Annika Bergström"}')
"""
ANSWERED = """
    INSERT INTO idempotency_keys (owner, key, fingerprint, status, body)
    VALUES ('local', 'a', 'f', 200, '{"body": "Dear Annika Bergström"}')
"""


async def spread(twelve: Twelve) -> None:
    """Writes the name where agents and people may write it."""
    db = twelve.world.db
    await db.execute(CHANGED, (twelve.org,))
    await db.execute(ANSWERED)
    await db.execute(NEWS, (twelve.stream, twelve.org))
    await db.execute(OUTPUT, (twelve.org,))
    await db.execute(DRAFT, (twelve.org, twelve.ids["One"]))
    await db.execute(SIGNAL, (twelve.org, twelve.ids["One"]))


async def somebody(twelve: Twelve, asked: str) -> Somebody:
    (found,) = await find_somebody(twelve.world.db, asked)
    return found


async def annika(twelve: Twelve) -> str:
    row = await twelve.world.one("SELECT id FROM people WHERE birth_year = 1971")
    return str(row["id"])


@pytest.mark.slow
async def test_who_is_forgotten_is_in_no_row_on_no_path_and_does_not_come_back(
    twelve: Twelve,
) -> None:
    # The others of the name are other people, who stay: they are not in this register.
    cast(list[Any], twelve.made.content.companies).pop(register.NAMES.index("Eleven"))
    async with twelve.web() as web:
        await twelve.world.run(
            EnrichmentAgent, twelve.stream, org_id=twelve.org, web=web, config=OFFICERS
        )
    await twelve.contact("Annika Bergstrom", "one.example")
    first = await twelve.run()
    await spread(twelve)
    before = await mentions(twelve)
    assert {"people", "contacts", "facts", "http_cache", "buying_signals"} <= set(before)
    assert {"stream_insights", "agent_executions", "drafts"} <= set(before)
    assert len(twelve.told(first)) == 8  # as a contact, Annika leads further than Kim
    removed = await forget(twelve.world.db, await somebody(twelve, await annika(twelve)))
    assert removed["people"] == 1
    assert removed["contacts"] == 1
    assert await mentions(twelve) == {}
    after = await twelve.run(force=True)
    assert await mentions(twelve) == {}
    assert set(twelve.told(after)) == {"Two", "Seven", "Ten"}
    async with twelve.web() as web:
        await twelve.world.run(
            EnrichmentAgent,
            twelve.stream,
            org_id=twelve.org,
            web=web,
            force=True,
            config=OFFICERS,
        )
    facts = await twelve.world.all("SELECT value FROM facts WHERE field = 'officers'")
    assert facts
    assert "Annika" not in str(facts)


@pytest.mark.slow
async def test_several_who_may_be_meant_are_told_apart_and_one_is_found_by_any_trace(
    twelve: Twelve,
) -> None:
    await twelve.contact("Annika Bergstrom", "one.example")
    await twelve.run()
    db = twelve.world.db
    by_name = await find_somebody(db, "Bergström, Annika")
    # Born 1971 with the contact, born 1990, and of no known birth.
    assert sorted(len(one.people) for one in by_name) == [1, 1, 1]
    (own,) = [one for one in by_name if one.emails]
    assert own.emails == {"annika@one.example"}
    assert own.traces >= {f"id {person_id(register.ANNIKA)}", "born annika bergstrom 1971-03"}
    for asked in (await annika(twelve), "annika@ONE.example", str(next(iter(own.contacts)))):
        assert await somebody(twelve, asked) == own
    assert await find_somebody(db, "Nobody Known") == []
    other = await twelve.world.organisation()
    twin = await twelve.world.one(
        "INSERT INTO people (org_id, name, name_norm, birth_year, birth_month, source)"
        " SELECT %s, name, name_norm, 1971, 3, source FROM people WHERE id = %s RETURNING id",
        other,
        UUID(await annika(twelve)),
    )
    assert twin["id"] in (await somebody(twelve, await annika(twelve))).people


@pytest.mark.slow
async def test_others_in_a_fact_stay_and_what_is_left_cannot_be_read(twelve: Twelve) -> None:
    listed: list[dict[str, Any]] = [{"name": "BERGSTRÖM, Annika"}, {"name": "ODEGARD, Bo"}]
    await twelve.run()
    await twelve.world.fact(twelve.ids["Three"], "officers", listed, "officers", 0.9)
    await twelve.world.fact(twelve.ids["One"], "officers", listed[:1], "officers", 0.9)
    await forget(twelve.world.db, await somebody(twelve, await annika(twelve)))
    facts = await twelve.world.all("SELECT value FROM facts WHERE field = 'officers'")
    assert [row["value"] for row in facts] == [[{"name": "ODEGARD, Bo"}]]
    kept = await twelve.world.all("SELECT kind, value, digest FROM suppressions")
    assert {row["kind"] for row in kept} == {"person"}
    assert all(row["value"] is None and len(row["digest"]) == 64 for row in kept)


# Tables with texts or JSON that hold no words about people, or are looked through in another way.
WITHOUT_NAMES = {
    "access_rules",
    "ai_agents",
    "api_tokens",
    "appointments",
    "companies",
    "company_merges",
    "contacts",
    "drafts",
    "facts",
    "host_breakers",
    "http_cache",
    "notification_rules",
    "oppspot_migrations",
    "organizations",
    "people",
    "schedules",
    "stream_agent_assignments",
    "suppressions",
    "task_waits",
}
FREE = """
    SELECT DISTINCT c.relname AS name
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
      AND (a.atttypid = 'jsonb'::regtype OR a.attname = ANY (
          '{title,text,body,message,subject,error_message,last_error,name}'))
"""


async def test_every_table_with_free_texts_is_looked_through_or_said_to_hold_no_names(
    world: World,
) -> None:
    there = {row["name"] for row in await world.all(FREE)}
    missing = there - set(WITH_TEXTS) - WITHOUT_NAMES
    assert not missing, "add them to WITH_TEXTS of streams/forgetting.py, or say so here"
