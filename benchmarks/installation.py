"""A made installation of a size, whoever asks it, and ids that its addresses name."""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg
from psycopg.rows import dict_row

from benchmarks.product import ROOT

SCRIPT = ROOT / "benchmarks" / "installation.sql"
LARGEST, SMALL = "Organisation 1", "Organisation 7"
NEW_ASKER = """
    INSERT INTO api_tokens (name, scope, org_id, hash, beginning)
    SELECT 'benchmark', 'admin', (SELECT id FROM organizations WHERE name = %s), %s, 'opr_'
"""
KEEP_COSTS = "SELECT keep_model_costs((now() - interval '90 days')::date)"
IDS = """
    WITH org AS (SELECT id FROM organizations WHERE name = %s)
    SELECT (SELECT max(t.id::text) FROM agent_tasks t JOIN org ON t.org_id = org.id
                WHERE t.status = 'failed') AS task_id,
           (SELECT max(x.id::text) FROM agent_executions x JOIN org ON x.org_id = org.id)
               AS execution_id,
           (SELECT min(a.id::text) FROM ai_agents a JOIN org ON a.org_id = org.id) AS agent_id,
           (SELECT max(r.id::text) FROM stream_runs r JOIN org ON r.org_id = org.id) AS run_id,
           (SELECT max(g.id::text) FROM buying_signals g JOIN org ON g.org_id = org.id)
               AS signal_id,
           (SELECT max(d.id::text) FROM drafts d JOIN org ON d.org_id = org.id) AS draft_id,
           (SELECT max(p.id::text) FROM people p JOIN org ON p.org_id = org.id) AS person_id,
           (SELECT s.id::text FROM streams s JOIN org ON s.org_id = org.id ORDER BY s.name LIMIT 1)
               AS stream_id,
           (SELECT min(id::text) FROM companies) AS company_id
"""


def fill(dsn: str, tasks: int, items: int) -> None:
    """Puts so many tasks into the database, and so many companies into one stream."""
    script = SCRIPT.read_text("utf-8").replace(":tasks", str(tasks)).replace(":items", str(items))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(script.encode())
        while connection.execute(KEEP_COSTS).fetchone() == (True,):
            pass  # as its runners would have done, day by day
        connection.execute("VACUUM ANALYZE")


def token(dsn: str, organisation: str | None) -> str:
    """Makes a token of an organisation, or of an operator."""
    secret = f"opr_benchmark_{organisation}".replace(" ", "_")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(NEW_ASKER, (organisation, hashlib.sha256(secret.encode()).hexdigest()))
    return secret


def ids(dsn: str, organisation: str) -> dict[str, Any]:
    """An id of the organisation for each name in an address."""
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        found = connection.execute(IDS, (organisation,)).fetchone()
    assert found is not None
    return {**found, "agentId": found["agent_id"], "id": found["stream_id"]}
