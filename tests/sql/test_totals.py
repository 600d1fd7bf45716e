"""The totals equal the rows, whoever ends, restarts or deletes them, and by whatever way."""

from __future__ import annotations

from tests.sql.conftest import Psql

COUNTED = """
    SELECT count(*) FILTER (WHERE status = 'pending'),
           count(*) FILTER (WHERE status = 'processing'),
           count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'failed'),
           count(*) FILTER (WHERE status = 'cancelled'), count(*) FROM agent_tasks
"""
CHANGES = [
    "INSERT INTO agent_tasks (status) SELECT unnest('{pending,completed,cancelled,failed}'::text[])"
    " FROM generate_series(1, 5)",
    "INSERT INTO agent_tasks (scheduled_for) VALUES ('2999-01-01')",
    "UPDATE agent_tasks SET status = 'completed' WHERE status = 'failed'",
    "SELECT cancel_task(id) FROM agent_tasks WHERE status = 'pending' LIMIT 2",
    "SELECT retry_task(id) FROM agent_tasks WHERE status = 'completed' LIMIT 3",
    "UPDATE agent_tasks SET status = 'processing', runner_id = 1,"
    " run_token = nextval('agent_tasks_run_token_seq') WHERE status = 'pending' AND NOT parked",
    "UPDATE agent_tasks SET status = 'cancelled' WHERE id IN"
    " (SELECT id FROM agent_tasks WHERE status = 'processing' LIMIT 2)",
    "UPDATE agent_tasks SET status = 'failed' WHERE status = 'cancelled'",
    "BEGIN; UPDATE agent_tasks SET status = 'completed' WHERE status = 'failed'; ROLLBACK",
    "DELETE FROM agent_tasks WHERE id IN"
    " (SELECT id FROM agent_tasks WHERE status = 'completed' LIMIT 4)",
    "TRUNCATE agent_tasks CASCADE",
]


def test_totals_follow_every_change(psql: Psql) -> None:
    for change in CHANGES:
        psql(change)
        assert psql.value("SELECT * FROM task_runner_stats") == psql.value(COUNTED), change


def test_totals_that_were_gone_round_are_counted_again(psql: Psql) -> None:
    psql(
        "SET session_replication_role = replica;"
        " INSERT INTO agent_tasks (status) SELECT 'completed' FROM generate_series(1, 7)"
    )
    assert psql.value("SELECT completed FROM task_runner_stats") == "0"
    psql("SELECT recount_tasks()")
    assert psql.value("SELECT completed FROM task_runner_stats") == "7"


def test_the_total_counts_nothing_once_more(psql: Psql) -> None:
    def scans(columns: str) -> int:
        plan = psql(f"EXPLAIN SELECT {columns} FROM task_runner_stats").rows
        return sum(" on agent_tasks" in line for line in plan)

    numbers = "pending, processing, completed, failed, cancelled"
    assert scans("*") == scans(f"{numbers}, total") == scans(numbers) > scans("failed") == 1
