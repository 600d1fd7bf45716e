"""Ten thousand schedules cost a runner that has nothing to do with them a page or two."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.conftest import create_database, drop_database
from tests.plans.conftest import Session, connected, explain

pytestmark = pytest.mark.slow

generic = pytest.mark.parametrize("generic", [False, True], ids=["custom", "generic"])
MANY = """
    SET session_replication_role = replica; -- no trigger: much faster
    INSERT INTO ai_agents (agent_type, schedule_cron)
    SELECT 'noop', '0 9 * * *' FROM generate_series(1, 10000);
    INSERT INTO schedules (agent_id, expression, timezone, options, is_active, look_at)
    SELECT agent_id, expression, timezone, options, is_active, oppspot_now() + interval '1 hour'
    FROM schedule_sources;
    INSERT INTO schedule_ticks (schedule_id, due_at)
    SELECT id, oppspot_now() - make_interval(days => n) FROM schedules, generate_series(1, 5) n;
"""


@pytest.fixture(scope="module")
def many(server: str, template: str) -> Iterator[str]:
    """A database with 10,000 schedules that are not due."""
    name = f"oppspot_schedules_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    with connected(dsn, autocommit=True) as session:
        session.execute(MANY)  # type: ignore[arg-type]
        session.execute("VACUUM ANALYZE schedules, schedule_ticks, ai_agents")
    yield dsn
    drop_database(name)


@pytest.fixture(params=["analyzed", "never-analyzed"])
def scheduled(many: str, request: pytest.FixtureRequest) -> Iterator[Session]:
    """A transaction among the schedules that is rolled back."""
    with connected(many) as session:
        if request.param == "never-analyzed":
            session.execute("DELETE FROM pg_statistic WHERE starelid >= 16384")
        yield session
        session.rollback()


@generic
def test_a_look_of_an_idle_runner_reads_the_next_schedule_only(
    scheduled: Session, generic: bool
) -> None:
    plan = explain(scheduled, "queue/promote", {}, generic=generic, warm=True)
    assert plan.ways_into("schedules") == {"schedules_look"}, f"\n{plan}"
    assert plan.buffers < 15, f"{plan.buffers} pages\n{plan}"


@generic
def test_the_few_that_are_due_are_found_by_their_time(scheduled: Session, generic: bool) -> None:
    scheduled.execute(
        "UPDATE schedules SET look_at = oppspot_now()"
        " WHERE id IN (SELECT id FROM schedules LIMIT 5)"
    )
    for name in ("schedules/take_calls", "schedules/due"):
        plan = explain(scheduled, name, {}, generic=generic, warm=True)  # type: ignore[arg-type]
        assert "all of it" not in plan.ways_into("schedules"), f"{name}\n{plan}"
        assert plan.buffers < 150, f"{name} {plan.buffers} pages\n{plan}"
