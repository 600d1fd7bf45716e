"""retry_task, cancel_task, run_stream and signal_run through psql."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.conftest import Psql

NOBODY = "00000000-0000-0000-0000-000000000000"


def running(psql: Psql, task: str, runner: int = 7) -> None:
    psql(
        f"UPDATE agent_tasks SET status = 'processing', run_token = 1, runner_id = {runner},"
        f" attempt = 1, started_at = oppspot_now() WHERE id = '{task}'"
    )


@pytest.mark.parametrize("status", ["failed", "cancelled", "completed"])
def test_an_ended_task_is_put_in_line_again_with_all_its_retries(psql: Psql, status: str) -> None:
    psql.agent()
    task = psql.value("SELECT enqueue_task('Digest')")
    psql(
        f"UPDATE agent_tasks SET status = '{status}', retry_count = 3, crash_count = 2,"
        " scheduled_for = '2020-01-01Z'"
    )
    assert psql.value(f"SELECT retry_task('{task}')") == "t"
    row = psql.value(
        "SELECT status, retry_count, crash_count, parked, finished_at IS NULL,"
        " scheduled_for > oppspot_now() - interval '1 minute' FROM agent_tasks"
    )
    assert row == "pending|0|0|f|t|t"


def test_a_waiting_task_is_not_retried(psql: Psql) -> None:
    psql.agent()
    task = psql.value("SELECT enqueue_task('Digest')")
    answer = psql(f"SELECT retry_task('{task}')")
    assert answer.rows == ["f"]
    assert f"task {task} is pending: nothing to retry" in answer.notices


def tried(psql: Psql, ended: str) -> str:
    """A task whose second attempt ended like this, and which is due in the year 2099."""
    psql.agent()
    task = psql.value("SELECT enqueue_task('Digest')")
    psql(
        "UPDATE agent_tasks SET attempt = 2, retry_count = 1, crash_count = 1,"
        " scheduled_for = '2099-01-01Z';"
        " INSERT INTO agent_executions (agent_id, task_id, attempt, status) SELECT t.agent_id,"
        f" t.id, n, CASE n WHEN 1 THEN 'failed' ELSE '{ended}' END"
        " FROM agent_tasks t, generate_series(1, 2) n"
    )
    return task


STANDING = (
    "SELECT status, attempt, retry_count, crash_count, parked, blocked,"
    " scheduled_for <= oppspot_now() FROM agent_tasks"
)


def test_a_task_that_waits_after_an_error_is_due_at_once_and_keeps_its_counts(psql: Psql) -> None:
    task = tried(psql, "failed")
    place = int(psql.value("SELECT ready_seq FROM agent_tasks"))
    assert psql.value(f"SELECT retry_task('{task}')") == "t"
    assert psql.value(STANDING) == "pending|2|1|1|f|f|t"
    assert int(psql.value("SELECT ready_seq FROM agent_tasks")) > place
    answer = psql(f"SELECT retry_task('{task}')")
    assert answer.rows == ["f"]
    assert f"task {task} is pending: nothing to retry\n" in answer.notices


AN_EVENT = (
    "INSERT INTO task_waits (task_id, attempt, kind, name) SELECT id, 2, 'event', 'go'"
    " FROM agent_tasks"
)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("", "it was put off without an error, and is due at 2099-01-01 00:00:00+00"),
        (AN_EVENT, "its agent waits for the event go"),
        (
            "UPDATE agent_tasks SET attempt = 0; TRUNCATE agent_executions",
            "it was never tried, and is due at 2099-01-01 00:00:00+00",
        ),
    ],
)
def test_a_task_that_waits_for_another_reason_goes_on_waiting(
    psql: Psql, change: str, why: str
) -> None:
    task = tried(psql, "cancelled")
    psql(change)
    answer = psql(f"SELECT retry_task('{task}')")
    assert answer.rows == ["f"]
    assert f"task {task} is pending: nothing to retry; {why}" in answer.notices
    assert psql.value("SELECT parked, scheduled_for FROM agent_tasks") == (
        "t|2099-01-01 00:00:00+00"
    )


def test_a_retry_is_refused_while_another_task_has_the_key(psql: Psql) -> None:
    psql.agent()
    old = psql.value("SELECT enqueue_task('Digest', unique_key => 'daily')")
    psql("UPDATE agent_tasks SET status = 'failed'")
    psql("SELECT enqueue_task('Digest', unique_key => 'daily')")
    answer = psql(f"SELECT retry_task('{old}')")
    assert answer.code == 3
    assert "another task with the unique_key 'daily' waits or runs already" in answer.notices


def test_a_retry_reopens_what_was_skipped_because_of_it(psql: Psql) -> None:
    first, second = psql.agent("First"), psql.agent("Second")
    run = psql.value(f"SELECT run_stream('{psql.stream(first, second)}')")
    task = psql.value("SELECT id FROM agent_tasks")
    psql("UPDATE agent_tasks SET status = 'failed'")
    assert psql.value(f"SELECT status FROM stream_runs WHERE id = '{run}'") == "failed"
    psql(f"SELECT retry_task('{task}')")
    nodes = psql("SELECT status FROM stream_run_nodes ORDER BY level").rows
    assert nodes == ["queued", "waiting"]
    assert psql.value(f"SELECT status FROM stream_runs WHERE id = '{run}'") == "running"


def test_a_waiting_task_is_cancelled_at_once(psql: Psql) -> None:
    psql.agent()
    task = psql.value("SELECT enqueue_task('Digest', scheduled_for => '2099-01-01Z')")
    assert psql.value(f"SELECT cancel_task('{task}', 'not needed')") == "t"
    row = psql.value(
        "SELECT status, cancel_reason, error_message, finished_at IS NULL FROM agent_tasks"
    )
    assert row == "cancelled|not needed|not needed|f"


def test_a_running_task_is_asked_to_end_and_its_runner_is_told(psql: Psql) -> None:
    psql.agent()
    task = psql.value("SELECT enqueue_task('Digest')")
    running(psql, task, runner=7)
    with psycopg.connect(psql.dsn, autocommit=True) as listener:
        listener.execute("LISTEN oppspot_wake")
        assert psql.value(f"SELECT cancel_task('{task}')") == "t"
        told = next(listener.notifies(timeout=10))
    assert told.payload == "public/7!"
    row = psql.value("SELECT status, cancel_reason, cancel_requested_at IS NULL FROM agent_tasks")
    assert row == "processing|cancelled on request|f"


def test_an_ended_task_is_not_cancelled(psql: Psql) -> None:
    psql.agent()
    task = psql.value("SELECT enqueue_task('Digest')")
    psql("UPDATE agent_tasks SET status = 'completed'")
    answer = psql(f"SELECT cancel_task('{task}')")
    assert answer.rows == ["f"]
    assert "is completed: nothing to cancel" in answer.notices
    assert psql.value("SELECT status FROM agent_tasks") == "completed"


def test_cancelling_one_task_of_a_run_skips_what_depends_on_it(psql: Psql) -> None:
    first, second = psql.agent("First"), psql.agent("Second")
    psql(f"SELECT run_stream('{psql.stream(first, second)}')")
    psql("SELECT cancel_task(id) FROM agent_tasks")
    assert psql("SELECT status FROM stream_run_nodes ORDER BY level").rows == [
        "cancelled",
        "skipped",
    ]
    assert psql.value("SELECT status FROM stream_runs") == "cancelled"


def test_a_run_starts_the_first_agents_of_a_stream(psql: Psql) -> None:
    first, second = psql.agent("First"), psql.agent("Second")
    stream = psql.stream(first, second)
    run = psql.value(
        f"SELECT run_stream('{stream}', '{{\"x\": 1}}', priority => 8, requested_by => 'ann')"
    )
    row = psql.value(
        "SELECT run_id, agent_id, stream_id, payload, priority, requested_by FROM agent_tasks"
    )
    assert row == f'{run}|{first}|{stream}|{{"x": 1}}|8|ann'


def test_a_stream_without_agents_or_with_a_cycle_is_not_run(psql: Psql) -> None:
    empty = psql(f"SELECT run_stream('{psql.stream()}')")
    assert "has no agents that run by themselves" in empty.notices
    first, second = psql.agent("First"), psql.agent("Second")
    stream = psql.stream(first, second)
    psql(
        f"UPDATE stream_agent_assignments SET depends_on_agent_ids = '{{{second}}}'"
        f" WHERE agent_id = '{first}'"
    )
    cycle = psql(f"SELECT run_stream('{stream}')")
    assert "the agents wait for each other: " in cycle.notices
    assert psql.value("SELECT count(*) FROM stream_runs") == "0"


def test_a_signal_is_kept_for_a_run_that_is_on(psql: Psql) -> None:
    run = psql.value(f"SELECT run_stream('{psql.stream(psql.agent())}')")
    made = psql.value(f"SELECT signal_run('{run}', 'approved', '{{\"by\": \"ann\"}}')")
    row = psql.value(f"SELECT run_id, name, payload FROM run_signals WHERE id = '{made}'")
    assert row == f'{run}|approved|{{"by": "ann"}}'


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ("'x', '[1]'", "the payload of the signal x is a JSON array", 'such as {"by": "ann"}'),
        ("'x', 'null'", "the payload of the signal x is a JSON null", "Write an object"),
        ("'  '", "the name of the signal is empty", "Give the name that the agent waits for"),
        ("NULL", "the name of the signal is empty", "as in signal_run(run_id, 'approval')"),
    ],
)
def test_a_signal_that_nobody_could_use_is_refused(
    psql: Psql, arguments: str, message: str, hint: str
) -> None:
    run = psql.value(f"SELECT run_stream('{psql.stream(psql.agent())}')")
    answer = psql(f"SELECT signal_run('{run}', {arguments})")
    assert message in answer.notices
    assert hint in answer.notices


def test_a_signal_to_an_ended_run_is_refused(psql: Psql) -> None:
    run = psql.value(f"SELECT run_stream('{psql.stream(psql.agent())}')")
    psql("UPDATE agent_tasks SET status = 'completed'")
    answer = psql(f"SELECT signal_run('{run}', 'approved')")
    assert answer.code == 3
    assert f"run {run} is completed already" in answer.notices


def test_what_does_not_exist_is_refused_with_its_id(psql: Psql) -> None:
    for call, what in (
        (f"retry_task('{NOBODY}')", "task"),
        (f"cancel_task('{NOBODY}')", "task"),
        (f"run_stream('{NOBODY}')", "stream"),
        (f"signal_run('{NOBODY}', 'x')", "run"),
    ):
        answer = psql(f"SELECT {call}")
        assert answer.code == 3
        assert f"there is no {what} {NOBODY}" in answer.notices
