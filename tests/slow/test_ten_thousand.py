"""Ten thousand companies in one stream: scored, explained and numbered within two seconds.

Not part of the ordinary run: the machine must have nothing else to do. Run it by its path.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import pytest

from oppspot_runner.agents.scoring import ScoringAgent
from oppspot_runner.base.garbage import collect_rarely
from oppspot_runner.db.pool import Database
from tests.agents.startups import GOAL
from tests.streams.world import World, begin, finish

COMPANIES = """
    INSERT INTO companies (name, name_norm, domain, website, country, town, industries, employees,
        description, linkedin_url, status)
    SELECT 'Company ' || n, 'company ' || n, 'c' || n || '.com', 'https://c' || n || '.com',
        (ARRAY['GB', 'IE', 'US', NULL])[1 + n % 4], 'London',
        ARRAY[(ARRAY['fintech', 'saas', 'music', 'health'])[1 + n % 4], 'b2b'],
        nullif(n * 7 % 900, 0), repeat('We make payments easy. ', 10),
        'https://l.test/' || n, 'active'
    FROM generate_series(1, 10000) n
"""
FACTS = """
    INSERT INTO facts (company_id, field, value, source, confidence)
    SELECT c.id, '*', jsonb_object_agg(f.key, f.value), 'import:test', 0.6
    FROM companies c CROSS JOIN LATERAL jsonb_each(to_jsonb(c)) f
    WHERE f.key IN ('name', 'domain', 'website', 'country', 'town', 'industries', 'employees',
        'description', 'linkedin_url', 'status') AND f.value <> 'null'
    GROUP BY c.id
"""
# Every third company has some: eighty jobs here and there, a funding round, a new director.
SIGNALS = """
    INSERT INTO buying_signals (company_id, signal_type, strength, confidence, title, occurred_at)
    SELECT c.id, (ARRAY['job_posting', 'funding_round', 'executive_change'])[1 + k % 3], 'strong',
        50 + (k * 7) % 50, 'It happened ' || k, oppspot_now() - k * interval '1 day'
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM companies) c
    CROSS JOIN LATERAL generate_series(1, CASE WHEN n % 300 = 0 THEN 80 ELSE 4 END) k
    WHERE n % 3 = 0
"""
WATCHES = """
    INSERT INTO signal_watches (company_id, watcher, outcome, looked_at)
    SELECT id, 'job_board', 'ok', oppspot_now() FROM companies
"""
MOST_S = 2.0  # on two cores: 1.9 s without signals, 2.4 s with these


@pytest.fixture
def as_in_a_runner() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.freeze()
    collect_rarely()
    yield
    gc.set_threshold(*usual)
    gc.unfreeze()


@pytest.mark.usefixtures("as_in_a_runner")
async def test_ten_thousand_companies_are_scored_within_two_seconds(db: Database) -> None:
    world = World(db)
    stream_id = await world.stream(GOAL)
    for query in (COMPANIES, FACTS, SIGNALS, WATCHES):
        await db.execute(query)
    await db.execute(
        "INSERT INTO stream_items (stream_id, company_id) SELECT %s, id FROM companies",
        (stream_id,),
    )
    await db.execute("ANALYZE")
    ctx = await world.context(ScoringAgent, stream_id)
    started = time.perf_counter()
    results = await finish(db, *await begin(ScoringAgent, ctx))
    took_s = time.perf_counter() - started
    print(f"{took_s:.2f} s")
    assert (results["items_updated"], results["stage"]) == (10_000, "full")
    assert took_s < MOST_S
