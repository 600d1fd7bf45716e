"""The three views, and that everything in SQL says what it is."""

from __future__ import annotations

from tests.sql.conftest import Psql


def test_stats_count_the_tasks_of_each_status(psql: Psql) -> None:
    assert psql.value("SELECT * FROM task_runner_stats") == "0|0|0|0|0|0"
    agent = psql.agent()
    for status, number in {"pending": 3, "completed": 2, "failed": 4, "cancelled": 1}.items():
        psql(
            f"INSERT INTO agent_tasks (agent_id, status) SELECT '{agent}', '{status}'"
            f" FROM generate_series(1, {number})"
        )
    psql(
        f"INSERT INTO agent_tasks (agent_id, status, run_token, runner_id)"
        f" VALUES ('{agent}', 'processing', 1, 1)"
    )
    row = psql.value(
        "SELECT pending, processing, completed, failed, cancelled, total FROM task_runner_stats"
    )
    assert row == "3|1|2|4|1|11"


def test_dead_letters_are_the_failed_tasks_with_agent_error_and_age(psql: Psql) -> None:
    psql.agent()
    task = psql.value("SELECT enqueue_task('Digest', '{\"days\": 7}')")
    psql("SELECT enqueue_task('Digest')")
    psql(
        f"UPDATE agent_tasks SET status = 'failed', error_message = 'no key', attempt = 4,"
        f" finished_at = '2026-01-01Z' WHERE id = '{task}'"
    )
    row = psql.value(
        "SET oppspot.now = '2026-01-03Z'; SELECT id, agent_name, agent_type,"
        " error_message, attempts, payload, failed_at = '2026-01-01Z', age"
        " FROM dead_letter_tasks"
    )
    assert row == f'{task}|Digest|digest|no key|4|{{"days": 7}}|t|2 days'


def test_performance_has_counts_rate_and_durations_of_each_agent(psql: Psql) -> None:
    agent = psql.agent("Digest")
    psql.agent("Idle", "idle")
    psql(
        f"INSERT INTO agent_tasks (agent_id, status) SELECT '{agent}', s"
        " FROM unnest('{pending,completed,completed,completed,failed,cancelled}'::text[]) s"
    )
    psql(
        "INSERT INTO agent_executions (agent_id, status, duration_ms, started_at)"
        f" SELECT '{agent}', 'completed', n * 10, '2026-01-01Z'::timestamptz + n * interval '1 day'"
        " FROM generate_series(1, 100) n"
    )
    psql(
        f"INSERT INTO agent_executions (agent_id, status, duration_ms) VALUES"
        f" ('{agent}', 'failed', 99999), ('{agent}', 'queued', NULL)"
    )
    row = psql.value(
        "SELECT tasks_pending, tasks_completed, tasks_failed, tasks_cancelled, attempts,"
        " success_rate, avg_duration_ms, p50_duration_ms, p95_duration_ms,"
        " last_run_at = '2026-04-11Z' FROM agent_performance WHERE agent_name = 'Digest'"
    )
    assert row == "1|3|1|1|101|0.7500|505|500|950|t"
    idle = psql.value(
        "SELECT attempts, success_rate IS NULL, last_run_at IS NULL"
        " FROM agent_performance WHERE agent_name = 'Idle'"
    )
    assert idle == "0|t|t"


def test_every_function_and_view_for_people_has_a_comment(psql: Psql) -> None:
    names = (
        "'find_agent', 'enqueue_task', 'enqueue_tasks', 'retry_task', 'cancel_task',"
        " 'run_stream', 'signal_run'"
    )
    described = psql(
        "SELECT proname, obj_description(oid, 'pg_proc') IS NOT NULL FROM pg_proc"
        f" WHERE pronamespace = 'public'::regnamespace AND proname IN ({names})"
    )
    assert len(described.rows) == 8
    assert all(row.endswith("|t") for row in described.rows)
    views = psql(
        "SELECT obj_description(oid, 'pg_class') IS NOT NULL FROM pg_class"
        " WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace"
    )
    assert set(views.rows) == {"t"}
