"""A page of tasks reads a bounded number of rows, whatever is asked, and whoever asks."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import pytest

from oppspot_runner.api.reads import executions
from oppspot_runner.api.reads import tasks as reads
from oppspot_runner.api.reads.executions import ExecutionFilter
from oppspot_runner.api.reads.tasks import TaskFilter
from oppspot_runner.base.actor import LOCAL, Actor
from oppspot_runner.db.acting import BoundDatabase, acting
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from tests.conftest import create_database, drop_database
from tests.plans.conftest import connected

pytestmark = pytest.mark.slow

TASKS = 30_000
LOOK = 500
RARE, MANY = UUID(int=1), UUID(int=2)
# Of one organisation are one in a hundred tasks, and none of the newest third.
CROWD = f"""
    SET session_replication_role = replica; -- no trigger: much faster
    INSERT INTO organizations (id, name) VALUES ('{RARE}', 'rare'), ('{MANY}', 'many');
    INSERT INTO ai_agents (name, agent_type)
    SELECT 'agent ' || n, 'type ' || n FROM generate_series(1, 5) n;
    INSERT INTO agent_tasks (agent_id, org_id, status, finished_at, error_message, payload)
    SELECT a.ids[1 + n % 5],
           CASE WHEN n % 100 = 0 AND n < {TASKS} * 2 / 3 THEN '{RARE}'::uuid ELSE '{MANY}' END,
           CASE WHEN n % 100 = 1 THEN 'failed' ELSE 'completed' END, oppspot_now(),
           CASE WHEN n % 100 = 1 THEN 'it broke' END, jsonb_build_object('n', n)
    FROM generate_series(1, {TASKS}) n, (SELECT array_agg(id) AS ids FROM ai_agents) a;
    INSERT INTO agent_executions (id, task_id, attempt, agent_id, org_id, status)
    SELECT id, id, 1, agent_id, org_id, status FROM agent_tasks;
    INSERT INTO api_tokens (org_id, name, scope, hash, beginning)
    SELECT id, name, 'read', encode(sha256(name::bytea), 'hex'), 'opr_' FROM organizations
"""


def member(name: str, org_id: UUID) -> Actor:
    """Whoever has the token of an organisation."""
    return Actor(name, "read", org_id, proof=hashlib.sha256(name.encode()).hexdigest())


READ = """
    SELECT (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::integer AS rows
    FROM pg_stat_xact_user_tables WHERE relname = %s
"""
FILTERS = {
    "all": TaskFilter(),
    "nothing": TaskFilter(task_type="none"),
    "an agent": TaskFilter(agent_type="none"),
    "failed": TaskFilter(statuses=("failed",), task_type="none"),
    "running": TaskFilter(statuses=("processing",)),
    "a run": TaskFilter(run_id=uuid4()),
    "a parent": TaskFilter(parent_id=uuid4()),
    "a text": TaskFilter(text="no such text"),
    "an id": TaskFilter(text="ffffffff"),
}


@pytest.fixture(scope="module")
def crowd(server: str, template: str) -> Iterator[str]:
    """A database with many tasks of two organisations."""
    name = f"oppspot_browsing_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    with connected(dsn, autocommit=True) as session:
        session.execute(CROWD)  # type: ignore[arg-type]
        session.execute("VACUUM ANALYZE agent_tasks, agent_executions")
    yield dsn
    drop_database(name)


@pytest.fixture(params=[LOCAL, member("rare", RARE), member("many", MANY)], ids=lambda a: a.name)
async def database(
    crowd: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BoundDatabase]:
    monkeypatch.setattr(reads, "MOST_LOOKED_AT", LOOK)
    monkeypatch.setattr(reads, "MOST_SEARCHED", LOOK)
    monkeypatch.setattr(executions, "MOST_LOOKED_AT", LOOK)
    async with (
        Database(crowd) as whole,
        acting(whole, request.param, read_only=True) as database,
        database.bound.transaction(),  # what is counted is what one transaction read
    ):
        yield database


async def rows_read(database: BoundDatabase, table: str) -> int:
    """How many rows of a table this transaction has read."""
    row = await database.fetch_one(READ, (table,))
    assert row is not None
    return int(row["rows"])


async def test_a_page_of_tasks_reads_a_bounded_number_of_rows(database: BoundDatabase) -> None:
    before = 0
    for what, wanted in FILTERS.items():
        found = await reads.browse(database, wanted, limit=20)
        read = await rows_read(database, "agent_tasks")
        assert read - before <= LOOK + 21, what
        assert read >= 20, "what was read is not counted"
        before = read
        assert len(found.rows) == (20 if what == "all" else 0), what
    await reads.facets(database, TaskFilter(agent_type="none"))
    assert await rows_read(database, "agent_tasks") - before <= LOOK


async def test_a_page_of_attempts_reads_a_bounded_number_of_rows(database: BoundDatabase) -> None:
    for wanted in (ExecutionFilter(), ExecutionFilter(agent_id=uuid4())):
        before = await rows_read(database, "agent_executions")
        await executions.browse(database, wanted, limit=20)
        assert await rows_read(database, "agent_executions") - before <= LOOK + 21, wanted


async def test_a_look_for_changes_reads_a_few_rows(database: BoundDatabase) -> None:
    await database.fetch_one(statement("changes/look"))
    assert await rows_read(database, "agent_tasks") <= 1
