"""A stream with agents, companies, scores and what was noticed: the domain for tests of HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from oppspot_runner.app.client import AsyncClient
from oppspot_runner.db.pool import Database

COMPANIES = """
    INSERT INTO companies (name, name_norm, domain, company_number, country, employees, source)
    SELECT 'Company ' || n, 'company ' || lpad(n::text, 3, '0'), 'company' || n || '.example',
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
    values = {"stream_id": stream, "companies": companies}
    for one in (COMPANIES, ITEMS, SIGNAL, INSIGHT):
        await db.execute(one, values)  # type: ignore[arg-type]
    return Domain(stream, finder, scorer)
