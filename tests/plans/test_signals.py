"""A company's signals are found by the company, however many others there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conftest import create_database, drop_database
from tests.plans.conftest import Plan, Session, connected, explain

pytestmark = pytest.mark.slow

generic = pytest.mark.parametrize("generic", [False, True], ids=["custom", "generic"])
ITEMS = 500
# 20,000 companies with five signals, a job and two looks each; 500 of them in a stream.
MANY = f"""
    SET session_replication_role = replica; -- no trigger: much faster
    INSERT INTO streams (name) VALUES ('Leads');
    INSERT INTO companies (name) SELECT 'Company ' || n FROM generate_series(1, 20000) n;
    INSERT INTO stream_items (stream_id, company_id)
    SELECT s.id, c.id FROM streams s, (SELECT id FROM companies LIMIT {ITEMS}) c;
    INSERT INTO buying_signals (company_id, signal_type, title, occurred_at)
    SELECT c.id, 'job_posting', 'job ' || n, oppspot_now() - n * interval '10 days'
    FROM companies c, generate_series(1, 5) n;
    INSERT INTO signal_sightings (signal_id, company_id, signal_type, source, key, confidence)
    SELECT id, company_id, signal_type, 'greenhouse', title, 90 FROM buying_signals;
    INSERT INTO job_postings (company_id, watcher, service, board, external_id, title)
    SELECT id, 'board', 'greenhouse', name, '1', 'A job' FROM companies;
    INSERT INTO signal_watches (company_id, watcher, outcome, checked_at)
    SELECT c.id, w, 'ok', oppspot_now() - interval '1 hour'
    FROM companies c, unnest('{{board,filings}}'::text[]) w;
"""
TABLES = ("buying_signals", "signal_sightings", "job_postings", "signal_watches", "companies")


@pytest.fixture(scope="module")
def many(server: str, template: str) -> Iterator[str]:
    """A database with 100,000 signals."""
    name = f"oppspot_signals_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    with connected(dsn, autocommit=True) as session:
        session.execute(MANY)  # type: ignore[arg-type]
        session.execute(f"VACUUM ANALYZE {', '.join(TABLES)}, stream_items, streams")  # type: ignore[arg-type]
    yield dsn
    drop_database(name)


@pytest.fixture(params=["analyzed", "never-analyzed"])
def signals(many: str, request: pytest.FixtureRequest) -> Iterator[Session]:
    """A transaction among the signals that is rolled back."""
    with connected(many) as session:
        if request.param == "never-analyzed":
            session.execute("DELETE FROM pg_statistic WHERE starelid >= 16384")
        yield session
        session.rollback()


def some(session: Session, query: str) -> Any:
    row = session.execute(query).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


def read_whole(plan: Plan) -> list[str]:
    return [table for table in TABLES if "all of it" in plan.ways_into(table)]


def row(session: Session, company: UUID) -> dict[str, Any]:
    """A known signal of the company as it is saved again."""
    found = session.execute(
        "SELECT id, signal_type, event, title, strength, confidence, status, occurred_at,"
        " expires_at FROM buying_signals WHERE company_id = %s LIMIT 1",
        (company,),
    ).fetchone()
    assert found is not None
    names = ("id", "signal_type", "event", "title", "strength", "confidence", "status")
    values = dict(zip((*names, "occurred_at", "expires_at"), map(str, found), strict=True))
    seen = {"source": "greenhouse", "key": values["title"], "url": None, "confidence": 90}
    return {**values, "place": 0, "data": {}, "sources": ["greenhouse"], "sightings": [seen]}


@generic
def test_what_is_known_of_a_company_is_found_by_the_company(
    signals: Session, generic: bool
) -> None:
    company = some(signals, "SELECT company_id FROM stream_items LIMIT 1")
    of = {"org_id": None, "company_id": company, "agent_id": None, "task_id": None}
    watches = [{"watcher": "board", "outcome": "ok"}]
    for name, params, most in (
        ("signals/of", {"ids": [company]}, 30),
        ("signals/memories", {"ids": [company]}, 40),
        ("signals/on_record", {"since": "2020-01-01", "keys": ["job 1"]}, 80),
        ("signals/save", {"signals": json.dumps([row(signals, company)])}, 150),
        ("signals/save_watches", {"watches": json.dumps(watches)}, 60),
        ("signals/close_postings", {"watchers": ["board"], "open_keys": [], "boards": []}, 100),
    ):
        plan = explain(signals, name, {**of, **params}, generic=generic, warm=True)  # type: ignore[arg-type]
        assert read_whole(plan) == [], f"{name}\n{plan}"
        assert plan.buffers < most, f"{name} {plan.buffers} pages\n{plan}"


@generic
def test_what_is_due_in_a_stream_reads_its_own_companies_only(
    signals: Session, generic: bool
) -> None:
    params = {
        "org_id": None,
        "stream_id": some(signals, "SELECT id FROM streams"),
        "company_ids": None,
        "watchers": ["board", "filings"],
        "everies_s": [60.0, 60.0],
        "error_every_s": 60.0,
        "since": some(signals, "SELECT oppspot_now()"),
        "force": False,
        "limit": 1000,
    }
    plan = explain(signals, "signals/due", params, generic=generic, warm=True)
    assert plan.buffers < 20 * ITEMS, f"{plan.buffers} pages\n{plan}"
    assert plan.root["Actual Rows"] == ITEMS


@generic
def test_what_is_over_is_found_by_its_time(signals: Session, generic: bool) -> None:
    past = some(signals, "SELECT oppspot_now() - interval '1 day'")
    for name, params in (
        ("signals/expire", {"org_id": None, "now": past}),
        ("signals/prune", {"keep_s": 86_400}),
    ):
        plan = explain(signals, name, params, generic=generic, warm=True)  # type: ignore[arg-type]
        assert read_whole(plan) == [], f"{name}\n{plan}"
        assert plan.buffers < 30, f"{name} {plan.buffers} pages\n{plan}"
