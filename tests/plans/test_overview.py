"""Pages read what is new, however much has been: attempts of the last hour, calls of one task."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.conftest import create_database, drop_database
from tests.plans.conftest import Session, connected, explain

pytestmark = pytest.mark.slow

ATTEMPTS = 40_000  # one in 20 s: those of nine days
CALLS = 60_000
PAST = f"""
    SET session_replication_role = replica; -- no trigger: much faster
    INSERT INTO agent_executions (id, status, started_at, completed_at, created_at)
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
            || right(md5(n::text), 20))::uuid,
           CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'completed' END, at, at, at
    FROM generate_series(1, {ATTEMPTS}) n,
         LATERAL (SELECT now() - make_interval(secs => 20 * ({ATTEMPTS} - n)) AS at) t;
    INSERT INTO tool_calls (tool, started_at, ended_at, task_id, attempt)
    SELECT 'search', now() - make_interval(secs => {CALLS} - n), now(), oppspot_uuid(), 1
    FROM generate_series(1, {CALLS}) n;
    INSERT INTO model_calls (task_id, attempt, run_token, step, seq, model, status, finished_at)
    SELECT oppspot_uuid(), 1, 1, 'model', 1, 'mock', 'finished', now()
    FROM generate_series(1, 10000) n
"""


@pytest.fixture(scope="module")
def past(server: str, template: str) -> Iterator[Session]:
    name = f"oppspot_past_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    with connected(dsn, autocommit=True) as session:
        session.execute(PAST)
        session.execute("VACUUM ANALYZE agent_executions, tool_calls, model_calls")
        yield session
    drop_database(name)


@pytest.mark.parametrize("generic", [False, True])
def test_attempts_of_an_hour_are_read_alone(past: Session, generic: bool) -> None:
    asked = {"span_s": 3_600, "part_s": 60, "most": 100_000}
    plan = explain(past, "overview/attempts", asked, generic=generic)
    assert plan.ways_into("agent_executions") == {"agent_executions_pkey"}, plan
    assert plan.buffers < 200, plan


@pytest.mark.parametrize("generic", [False, True])
def test_that_nothing_happened_of_late_is_seen_without_reading_all(
    past: Session, generic: bool
) -> None:
    plan = explain(past, "tasks/overdue", {"lately_s": 1.0}, generic=generic)
    assert plan.ways_into("agent_executions") == {"agent_executions_created"}, plan


@pytest.mark.parametrize("generic", [False, True])
def test_calls_of_a_task_are_found_by_its_time(past: Session, generic: bool) -> None:
    now = datetime.now(UTC)
    asked = {
        "task_id": uuid4(),
        "since": now - timedelta(seconds=30),
        "until": now,
        "most": 200,
    }
    plan = explain(past, "tasks/calls", asked, generic=generic)
    assert plan.ways_into("tool_calls") == {"tool_calls_started"}, plan
    assert plan.ways_into("model_calls") == {"model_calls_task"}, plan
