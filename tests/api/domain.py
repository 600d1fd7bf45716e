"""A stream with agents, companies, scores and what was noticed: the domain for tests of HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2

from oppspot_runner.app.client import AsyncClient
from oppspot_runner.db.pool import Database

COMPANIES = """
    INSERT INTO companies (name, name_norm, domain, company_number, country, employees, source)
    SELECT 'Company ' || n, 'company ' || lpad(n::text, 3, '0'), 'company' || n || '.com',
           lpad(n::text, 8, '0'), 'GB', n, 'test'
    FROM generate_series(1, %(companies)s) n
"""
ITEMS = """
    INSERT INTO stream_items (stream_id, company_id, position, quality_score, score_confidence,
        priority, score_stage, scored_at, score_reasons)
    SELECT %(stream_id)s, c.id, c.employees, 5 - c.employees * 0.1, 0.5,
           CASE WHEN c.employees < 3 THEN 'critical' ELSE 'low' END, 'enriched', oppspot_now(),
           jsonb_build_array(jsonb_build_object('component', 'criteria', 'factor', 'location',
               'points', 5 - c.employees * 0.1, 'max', 5, 'text', 'in GB'))
    FROM companies c WHERE c.employees < %(companies)s -- the last one is in no stream
"""
SIGNAL = """
    INSERT INTO buying_signals (company_id, signal_type, title, occurred_at, expires_at)
    SELECT id, 'funding_round', 'raised money', oppspot_now(), oppspot_now() + interval '1 year'
    FROM companies WHERE employees = 2
"""
DRAFT = """
    INSERT INTO drafts (stream_id, company_id, channel, language, tone, body, written_by,
        prompt_hash)
    SELECT %(stream_id)s, id, 'email', 'en', 'plain', 'Hello', 'template', name FROM companies
"""
CALL = """
    INSERT INTO model_calls (task_id, attempt, run_token, agent_id, step, seq, model, status,
        cost_usd, finished_at)
    SELECT gen_random_uuid(), 1, 1, %(agent_id)s, 'ask', n, 'small', 'finished', n * 0.5,
        oppspot_now() FROM generate_series(1, 3) n
"""
OFFICE = """
    WITH person AS (
        INSERT INTO people (name, name_norm, source) SELECT 'Person ' || n, 'person ' || n, 'test'
        FROM generate_series(1, 5) n RETURNING id
    )
    INSERT INTO appointments (person_id, company_number, company_name, company_id, role, source)
    SELECT p.id, c.company_number, c.name, c.id, 'director', 'test'
    FROM person p, (SELECT * FROM companies LIMIT 1) c
"""
FACT = """
    INSERT INTO facts (company_id, field, value, source, source_url, confidence)
    SELECT id, 'town', '"Leeds"', 'test', 'https://test.example/', 0.9 FROM companies
"""
INSIGHT = """
    INSERT INTO stream_insights (stream_id, kind, title, created_at)
    SELECT %(stream_id)s, 'trend', 'insight ' || n, oppspot_now() + n * interval '1 s'
    FROM generate_series(1, 3) n
"""


@dataclass(frozen=True)
class Domain:
    """What is there: a stream whose first agent is followed by its second."""

    stream_id: UUID
    finder: UUID
    scorer: UUID


async def build(db: Database, companies: int = 6) -> Domain:
    """Adds the rows; one company more than the stream has."""
    client = AsyncClient(db)
    stream = await client.create_stream("Leads", goal_criteria={"location": ["GB"]})
    finder = await client.create_agent(agent_type="opportunity_bot", name="Finder")
    scorer = await client.create_agent(agent_type="scoring_agent", name="Scorer")
    await client.assign_agents_to_stream(
        stream, [{"agent_id": finder}, {"agent_id": scorer, "depends_on_agent_ids": [finder]}]
    )
    values = {"stream_id": stream, "companies": companies, "agent_id": finder}
    for one in (COMPANIES, ITEMS, SIGNAL, INSIGHT, DRAFT, CALL, OFFICE, FACT):
        await db.execute(one, values)  # type: ignore[arg-type]
    return Domain(stream, finder, scorer)


async def all_pages(api: httpx2.AsyncClient, url: str, **params: Any) -> list[dict[str, Any]]:
    """All rows of a list, two a page."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        told = {"limit": 2, **params, **({"cursor": cursor} if cursor else {})}
        answer = await api.get(url, params=told)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows
