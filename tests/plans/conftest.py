"""A crowded queue, a worn one, and EXPLAIN of the runner's own statements on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from oppspot_runner.db.files import statement
from oppspot_runner.queue.whole_task import WHOLE
from tests.conftest import create_database, drop_database

ROWS = 100_000
AGENTS = 5
PRIORITIES = 4
CROWD = f"""
    INSERT INTO ai_agents (name, agent_type)
    SELECT 'agent ' || n, 'noop' FROM generate_series(1, {AGENTS}) n;
    INSERT INTO agent_tasks (agent_id, priority, parked, scheduled_for, status, finished_at)
    SELECT a.ids[1 + n % {AGENTS}], 2 + 2 * (n / {AGENTS} % {PRIORITIES}), kind = 'parked',
           CASE kind WHEN 'parked' THEN oppspot_now() + make_interval(days => 1 + n / 1000)
                     ELSE oppspot_now() END,
           CASE kind WHEN 'ended' THEN 'completed' ELSE 'pending' END,
           CASE kind WHEN 'ended' THEN oppspot_now() END
    FROM generate_series(1, {ROWS}) n, unnest('{{ended,ready,parked}}'::text[]) kind,
         (SELECT array_agg(id) AS ids FROM ai_agents) a
"""
TYPES = {
    "runner_id": "bigint",
    "fair": "boolean",
    "chain": "boolean",
    "wary": "boolean",
    **dict.fromkeys(("task_types", "labels", "agent_types"), "text[]"),
}
Session = psycopg.Connection[Any]


@dataclass(frozen=True)
class Plan:
    """What EXPLAIN ANALYZE said of one run of a statement."""

    root: dict[str, Any]
    ms: float

    @property
    def buffers(self) -> int:
        """Pages that were looked at, cached or not."""
        return int(self.root["Shared Hit Blocks"] + self.root["Shared Read Blocks"])

    def nodes(self, node: dict[str, Any] | None = None, depth: int = 0) -> Iterator[Any]:
        here = self.root if node is None else node
        yield depth, here
        for child in here.get("Plans", ()):
            yield from self.nodes(child, depth + 1)

    def ways_into(self, table: str) -> set[str]:
        """Names of the indexes by which a table is read, `all of it` for a sequential scan."""
        read = {node.get("Index Name", "") for _, node in self.nodes()}
        whole = any(
            node["Node Type"] == "Seq Scan" and node["Relation Name"] == table
            for _, node in self.nodes()
        )
        return {one for one in read if one.startswith(f"{table}_")} | (
            {"all of it"} if whole else set()
        )

    def __str__(self) -> str:
        return "\n".join(
            f"{'  ' * depth}{node['Node Type']} {node.get('Relation Name', '')}"
            f" {node.get('Index Name', '')} {node.get('Index Cond') or node.get('Filter') or ''}"
            f" (rows {node['Plan Rows']} -> {node['Actual Rows']} x {node['Actual Loops']},"
            f" buffers {node['Shared Hit Blocks'] + node['Shared Read Blocks']})"
            for depth, node in self.nodes()
        )


def connected(dsn: str, **options: Any) -> Session:
    """A session set up as ours are, and without limits of time: the tests have their own.

    A server that compiles statements (jit) would spend seconds on one that runs for 30 ms.
    """
    session: Session = psycopg.connect(dsn, **options)
    session.execute(statement("session/prepare"), {"timeout_ms": 0})
    session.commit()
    return session


def explain(
    session: Session,
    name: LiteralString,
    params: dict[str, Any],
    *,
    generic: bool = False,
    warm: bool = False,
) -> Plan:
    """Runs a statement of ours as the server would run it prepared.

    `generic`: with the plan that fits any values, which a server may choose after five runs.
    `warm`: runs it once before, without effect, so that what a session reads once (the plans of
    functions, definitions of tables) does not count.
    """
    if warm:
        with session.transaction(force_rollback=True):
            explain(session, name, params, generic=generic)
    text = WHOLE.decode() if name == "tasks/whole" else statement(name)
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)[sb]", text)))
    text = text.replace("{limit}", "3").replace("%%", "%")
    for number, one in enumerate(names, 1):
        text = re.sub(rf"%\({one}\)[sb]", f"${number}", text)
    types = ", ".join(TYPES.get(one, "unknown") for one in names)
    prepared = f"p{uuid4().hex[:8]}"
    mode = "force_generic_plan" if generic else "auto"
    session.execute(f"SET plan_cache_mode = {mode}")  # type: ignore[arg-type]
    session.execute(f"PREPARE {prepared}{f'({types})' if names else ''} AS {text}")  # type: ignore[arg-type]
    call = f"({', '.join(f'%({one})s' for one in names)})" if names else ""
    row = (
        psycopg.ClientCursor(session)
        .execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE {prepared}{call}", params)  # type: ignore[arg-type]
        .fetchone()
    )
    assert row is not None
    (answer,) = row[0]
    return Plan(answer["Plan"], answer["Execution Time"])


def crowd_of_one(session: Session, rows: int) -> UUID:
    """An agent of its own with rows of the highest priority, in front of all others."""
    (agent,) = session.execute(
        "INSERT INTO ai_agents (name, agent_type) VALUES ('loud', 'noop') RETURNING id"
    ).fetchone() or (None,)
    session.execute(
        "INSERT INTO agent_tasks (agent_id, priority, ready_seq)"
        " SELECT %s, 10, -n FROM generate_series(1, %s) n",
        (agent, rows),
    )
    return agent


@pytest.fixture(scope="session")
def crowded(server: str, template: str) -> Iterator[str]:
    """A database with 100,000 ready, 100,000 parked and 100,000 finished tasks."""
    name = f"oppspot_crowd_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    with connected(dsn, autocommit=True) as session:
        session.execute("ALTER TABLE agent_tasks SET (autovacuum_enabled = false)")
        session.execute("SET session_replication_role = replica")  # no trigger: much faster
        session.execute(CROWD)  # type: ignore[arg-type]
        session.execute("VACUUM ANALYZE agent_tasks")
        session.execute("ANALYZE ai_agents")
    yield dsn
    drop_database(name)


@pytest.fixture
def session(crowded: str) -> Iterator[Session]:
    """A transaction on the crowded queue that is rolled back."""
    with connected(crowded) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def own(dsn: str) -> Iterator[Session]:
    """A session on an empty queue of its own, without autovacuum and triggers."""
    with connected(dsn, autocommit=True) as session:
        session.execute("ALTER TABLE agent_tasks SET (autovacuum_enabled = false)")
        session.execute("SET session_replication_role = replica")
        yield session
