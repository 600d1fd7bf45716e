"""Pages of lists cost what a page costs: by index, whoever asks and whoever else has rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import create_database, drop_database
from tests.plans.conftest import Plan, Session, connected, explain

pytestmark = pytest.mark.slow

generic = pytest.mark.parametrize("generic", [False, True], ids=["custom", "generic"])
ITEMS = 10_000
PROOF = "a" * 64
PAGE = 5_000  # pages of 8 kB: half of one for each of the items, which are sorted without an index
SOUGHT = PAGE + 5 * ITEMS  # each company is looked up, once
# Two organisations: one with a stream of 10,000 companies and a few signals, one with many of all.
MANY = f"""
    SET session_replication_role = replica; -- no trigger: much faster
    INSERT INTO organizations (id) SELECT oppspot_uuid() FROM generate_series(1, 2);
    INSERT INTO api_tokens (org_id, name, scope, hash, beginning)
    SELECT min(id::text)::uuid, 'x', 'read', '{PROOF}', 'x' FROM organizations;
    INSERT INTO streams (name, org_id) SELECT 'Leads', id FROM organizations;
    INSERT INTO companies (name, name_norm, org_id, employees, source)
    SELECT 'Company ' || n, 'company ' || lpad(n::text, 6, '0'),
           CASE WHEN n % 3 = 0 THEN (SELECT max(id::text)::uuid FROM organizations) END, n, 'x'
    FROM generate_series(1, 3 * {ITEMS}) n;
    INSERT INTO stream_items (stream_id, company_id, position, quality_score, score_confidence,
        priority, score_stage, scored_at, score_reasons)
    SELECT s.id, c.id, c.employees, c.employees % 500 / 100.0, 0.5, 'low', 'full', oppspot_now(),
           jsonb_build_array(jsonb_build_object('component', 'criteria', 'points', 1, 'text',
               repeat('why ', 100)))
    FROM streams s, LATERAL (
        SELECT * FROM companies c WHERE c.org_id IS NULL ORDER BY c.id LIMIT {ITEMS}) c;
    INSERT INTO buying_signals (company_id, org_id, signal_type, title, expires_at)
    SELECT c.id, o.id, 'funding_round', 'raised', oppspot_now() + interval '1 year'
    FROM companies c, (SELECT max(id::text)::uuid AS id FROM organizations) o,
        generate_series(1, 3);
    INSERT INTO buying_signals (company_id, org_id, signal_type, title, expires_at)
    SELECT c.id, o.id, 'funding_round', 'raised', oppspot_now() + interval '1 year'
    FROM (SELECT min(id::text)::uuid AS id FROM organizations) o,
        (SELECT id FROM companies WHERE org_id IS NULL ORDER BY id LIMIT 30) c;
    INSERT INTO drafts (company_id, org_id, channel, language, tone, body, written_by, prompt_hash)
    SELECT company_id, org_id, 'email', 'en', 'plain', 'Hello', 'template', 'x'
    FROM buying_signals GROUP BY 1, 2;
    INSERT INTO model_calls (task_id, attempt, run_token, org_id, step, seq, model, status,
        cost_usd, started_at, finished_at)
    SELECT oppspot_uuid(), 1, 1, org_id, 'ask', 1, 'small', 'finished', 0.1,
        oppspot_now() - random() * interval '300 days', oppspot_now() FROM buying_signals;
    -- Streams usually hold few companies: a plan must not count on it.
    INSERT INTO streams (name, org_id)
    SELECT 'Small', id FROM organizations, generate_series(1, 1000);
    INSERT INTO stream_items (stream_id, company_id, position)
    SELECT s.id, c.id, 1 FROM streams s, LATERAL (
        SELECT id FROM companies WHERE org_id IS NULL ORDER BY id LIMIT 1) c
    WHERE s.name = 'Small';
    INSERT INTO stream_insights (stream_id, org_id, kind, title)
    SELECT id, org_id, 'trend', 'x' FROM streams, generate_series(1, {ITEMS})
    WHERE streams.name = 'Leads';
"""
TABLES = (
    "organizations",
    "streams",
    "companies",
    "stream_items",
    "buying_signals",
    "drafts",
    "model_calls",
    "stream_insights",
)


@pytest.fixture(scope="module")
def many(server: str, template: str) -> Iterator[str]:
    """A database with many rows of each kind."""
    name = f"oppspot_lists_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    with connected(dsn, autocommit=True) as session:
        session.execute(MANY)  # type: ignore[arg-type]
        session.execute(f"VACUUM ANALYZE {', '.join(TABLES)}")  # type: ignore[arg-type]
    yield dsn
    drop_database(name)


@pytest.fixture(params=["operator", "organisation"])
def lists(many: str, request: pytest.FixtureRequest) -> Iterator[Session]:
    """A transaction of somebody who asks; it is rolled back."""
    with connected(many) as session:
        if request.param == "organisation":
            session.execute("SELECT set_config('oppspot.token', %s, true)", (PROOF,))
            session.execute("SET LOCAL ROLE oppspot_api")
        yield session
        session.rollback()


def asked(session: Session) -> dict[str, Any]:
    """What a first page asks for, and nothing more."""
    found = session.execute(
        "SELECT id, org_id FROM streams WHERE name = 'Leads' ORDER BY org_id DESC LIMIT 1"
    ).fetchone()
    assert found is not None
    nothing = (
        "after_place after_id before before_at before_id priorities stage least words company_id "
        "signal_type status since until channel begin"
    )
    return {
        **dict.fromkeys(nothing.split()),
        "stream_id": found[0],
        "org_id": found[1],
        "limit": 51,
        "most": 51,
    }


def planned(session: Session, name: Any, generic: bool, most: int, **wanted: Any) -> Plan:
    plan = explain(session, name, {**asked(session), **wanted}, generic=generic, warm=True)
    assert plan.buffers < most, f"{name} {plan.buffers} pages\n{plan}"
    return plan


@generic
def test_ten_thousand_companies_of_a_stream(lists: Session, generic: bool) -> None:
    usual = {"by": "position", "with_signals": False}
    for wanted, most in (
        ({}, PAGE),
        ({"by": "score", "after_place": -2.5, "after_id": uuid4()}, PAGE),
        ({"priorities": ["low"], "least": 2.5, "stage": "full"}, PAGE),
        ({"words": "company 2000"}, SOUGHT),
        ({"with_signals": True}, SOUGHT),
    ):
        planned(lists, "streams/page_items", generic, most, **{**usual, **wanted})


@generic
def test_other_lists(lists: Session, generic: bool) -> None:
    stream = asked(lists)["stream_id"]
    for name, wanted, most in (
        ("signals/list", {"stream_id": None}, 1_000),
        ("signals/list", {"stream_id": stream}, 3_000),
        ("drafts/list", {"stream_id": None}, 3_000),
        ("streams/list_insights", {}, 1_000),
        ("companies/page", {"begin": "company 02", "after_name": "", "after_id": uuid4()}, 1_000),
        ("money/costs", {"by": "model", "since": "2100-01-01"}, 6_000),
    ):
        planned(lists, name, generic, most, **wanted)
