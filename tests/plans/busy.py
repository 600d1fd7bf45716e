"""A database as a busy installation has it, and what an hour of work leaves behind in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.plans.conftest import ROWS, connected

AGENTS = 5
RUNNERS = 20  # that live; a hundred times as many died long ago
RUNNING = 2_000
RUNS = 10_000
CALLED_S = 90 * 86_400  # since when models are asked, a thousand times a day
TOLD = 1_000  # runs with a hundred events each
WORN = 10_000
# What the planner knows: nearly nothing, and all of it ready.
FEW_ROWS = f"""
    INSERT INTO ai_agents (name, agent_type)
    SELECT 'agent ' || n, 'noop' FROM generate_series(1, {AGENTS}) n;
    INSERT INTO agent_tasks (agent_id) SELECT id FROM ai_agents, generate_series(1, 200);
    INSERT INTO streams (name) VALUES ('s');
    INSERT INTO stream_agent_assignments (stream_id, agent_id)
    SELECT s.id, a.id FROM streams s, ai_agents a;
    ANALYZE;
    DELETE FROM agent_tasks
"""
TASKS = f"""
    INSERT INTO agent_tasks (agent_id, priority, parked, scheduled_for, status, finished_at)
    SELECT a.ids[1 + n % {AGENTS}], 2 + 2 * (n / {AGENTS} % 4), kind = 'parked',
           CASE kind WHEN 'parked' THEN oppspot_now() + make_interval(days => 1 + n / 1000)
                     ELSE oppspot_now() END,
           CASE kind WHEN 'ended' THEN 'completed' ELSE 'pending' END,
           CASE kind WHEN 'ended' THEN oppspot_now() END
    FROM generate_series(1, {ROWS}) n, unnest('{{ended,ready,parked}}'::text[]) kind,
         (SELECT array_agg(id) AS ids FROM ai_agents) a;
    INSERT INTO task_runners
        (id, host, pid, version, slots, poll_s, lease_s, beat_s, lock_key, lease_until)
    OVERRIDING SYSTEM VALUE
    SELECT n, 'h', 1, '0', 100, 5, 30, 5, CASE WHEN n > {RUNNERS} THEN n END,
           oppspot_now() + CASE WHEN n <= {RUNNERS} THEN interval '1 h' ELSE interval '-1 h' END
    FROM generate_series(1, {RUNNERS} * 100) n;
    INSERT INTO agent_tasks
        (agent_id, status, runner_id, run_token, attempt, execution_id, started_at)
    SELECT (SELECT min(id::text)::uuid FROM ai_agents), 'processing', 1 + n % {RUNNERS}, n, 1,
           oppspot_uuid(), oppspot_now() FROM generate_series(1, {RUNNING}) n;
    INSERT INTO task_handoffs
        (handle, task_id, run_token, attempt, backend, runner_id, ticket, started_at, beat_at)
    SELECT oppspot_uuid(), id, run_token, 1, 'celery', runner_id, '{{}}', oppspot_now(),
           oppspot_now()
    FROM agent_tasks WHERE status = 'processing' AND run_token % 3 > 0;
    INSERT INTO agent_tasks (status, finished_at)
    SELECT 'failed', oppspot_now() FROM generate_series(1, {RUNNING})
"""
HISTORY = f"""
    INSERT INTO agent_executions (task_id, attempt, status, started_at)
    SELECT id, 1, 'completed', oppspot_now() FROM agent_tasks WHERE status = 'completed';
    INSERT INTO agent_steps (task_id, name, seq, result, attempt)
    SELECT id, 'step', 0, '{{}}', 1 FROM agent_tasks WHERE status = 'completed';
    INSERT INTO model_calls
        (task_id, attempt, run_token, agent_id, step, seq, model, status, started_at, finished_at)
    SELECT id, 1, 0, agent_id, 'model', 0, 'mock:echo', 'finished',
           oppspot_now() - make_interval(secs => {CALLED_S} * n / {ROWS}), oppspot_now()
    FROM (SELECT *, row_number() OVER () AS n FROM agent_tasks WHERE status = 'completed') t
    ORDER BY n DESC;
    INSERT INTO model_calls (task_id, attempt, run_token, step, seq, model, estimate_usd)
    SELECT id, 1, run_token, 'model', 1, 'mock:echo', 0.01 FROM agent_tasks
    WHERE status = 'processing' AND run_token <= {RUNNERS};
    INSERT INTO stream_runs (stream_id, status, open_nodes)
    SELECT s.id, 'running', {AGENTS} FROM streams s, generate_series(1, {RUNS});
    WITH chain AS (
        SELECT id, lead(id) OVER (ORDER BY id) AS next, row_number() OVER (ORDER BY id) AS place
        FROM ai_agents)
    INSERT INTO stream_run_nodes
        (run_id, agent_id, level, dependents, open_dependencies, status, task_id)
    SELECT r.id, c.id, c.place, array_remove(ARRAY[c.next], NULL), least(c.place - 1, 1),
           CASE c.place WHEN 1 THEN 'queued' ELSE 'waiting' END,
           CASE c.place WHEN 1 THEN oppspot_uuid() END
    FROM stream_runs r, chain c;
    INSERT INTO run_events (run_id, seq, type, data)
    SELECT r.id, n, 'output_chunk', jsonb_build_object('chunk', md5(n::text))
    FROM generate_series(1, 100) n, (SELECT id FROM stream_runs ORDER BY id LIMIT {TOLD}) r;
    UPDATE stream_runs SET last_event = 100
    WHERE id IN (SELECT id FROM stream_runs ORDER BY id LIMIT {TOLD})
"""
# What autovacuum and the runners do while calls come, day by day.
KEEP = """
    SELECT brin_summarize_new_values('model_calls_time');
    SELECT keep_model_costs('-infinity') FROM generate_series(1, 100)
"""
WEAR = f"""
    UPDATE agent_tasks SET parked = false, ready_seq = nextval('agent_tasks_ready_seq')
    WHERE id IN (SELECT id FROM agent_tasks WHERE status = 'pending' AND parked
                 ORDER BY scheduled_for LIMIT {WORN});
    UPDATE agent_tasks SET status = 'processing', runner_id = 1, attempt = 1,
        run_token = {RUNNING} + nextval('agent_tasks_run_token_seq'), started_at = oppspot_now()
    WHERE id IN (SELECT id FROM agent_tasks WHERE status = 'pending' AND NOT parked
                   AND priority = 8 ORDER BY ready_seq LIMIT {WORN});
    UPDATE agent_tasks SET status = 'cancelled', runner_id = NULL, run_token = NULL,
        finished_at = oppspot_now()
    WHERE status = 'processing' AND run_token > {RUNNING}
"""


def fill(dsn: str) -> None:
    """100,000 tasks of each kind, all in one burst: the statistics are those of before."""
    with connected(dsn, autocommit=True) as session:
        for table in (
            "agent_tasks",
            "agent_executions",
            "agent_steps",
            "model_calls",
            "stream_run_nodes",
            "run_events",
        ):
            session.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")  # type: ignore[arg-type]
        session.execute("SET session_replication_role = replica")  # no trigger: much faster
        for part in (FEW_ROWS, TASKS, HISTORY, KEEP):
            session.execute(part)  # type: ignore[arg-type]


@contextmanager
def worn(dsn: str) -> Iterator[None]:
    """10,000 tasks went through the queue while somebody held a snapshot, and holds it."""
    with connected(dsn) as holder, connected(dsn, autocommit=True) as session:
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        holder.execute("SELECT FROM agent_tasks LIMIT 1")
        session.execute("SET session_replication_role = replica")
        session.execute(WEAR)  # type: ignore[arg-type]
        yield
