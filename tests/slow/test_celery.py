"""What can go wrong between runners and Celery workers, with real ones of each."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.backends.conftest import lives
from tests.celery.conftest import WORKER, CeleryFleet, celery_fleet, kill
from tests.celery.redis import needs_redis
from tests.warm import ROOT

__all__ = ["celery_fleet"]

pytestmark = [needs_redis, pytest.mark.timeout(180)]


@pytest.mark.ci_slice
def test_a_worker_is_killed_and_a_runner_is_killed(celery_fleet: CeleryFleet) -> None:
    fleet = celery_fleet
    worker = fleet.worker()
    runner = fleet.start()
    task = fleet.agent_task("elsewhere_saving", '{"s": 60}')
    first = fleet.begun(task)
    fleet.until(lambda: fleet.all("SELECT FROM agent_steps WHERE task_id = %s", (task,)))
    kill(worker)
    fleet.worker()
    # 2 s until it counts as lost, 1 s until somebody looks, 0.05 s until the next attempt.
    assert fleet.until(lambda: _attempt(fleet, task) == 2, within_s=15) < 8
    (row,) = fleet.ended(task)
    assert (row["status"], row["attempt"], row["retry_count"]) == ("completed", 2, 1)
    assert fleet.output(task)["paid"] == first, "a finished step was paid twice"
    assert len(fleet.all("SELECT FROM effects WHERE task_id = %s", (task,))) == 1
    lost = fleet.one("SELECT error_message FROM agent_executions WHERE attempt = 1")
    assert "was lost: it was silent for" in lost["error_message"]

    task = fleet.agent_task("elsewhere_saving", '{"s": 6}')
    body = fleet.begun(task)
    runner.kill()
    runner.wait()
    other = fleet.start()
    (row,) = fleet.ended(task)
    assert (row["status"], row["attempt"], row["retry_count"]) == ("completed", 1, 0)
    assert fleet.ran(task) == [body]
    effects = fleet.all("SELECT runner_pid FROM effects WHERE task_id = %s", (task,))
    assert effects == [{"runner_pid": other.pid}]


def test_a_stop_leaves_bodies_to_the_next_start(celery_fleet: CeleryFleet) -> None:
    fleet = celery_fleet
    fleet.worker()
    runner = fleet.start(OPPSPOT_GRACE="0.5")
    tasks = [fleet.agent_task("elsewhere_saving", '{"s": 8}') for _ in range(2)]
    bodies = [fleet.begun(task) for task in tasks]
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(20) == 0
    assert all(map(lives, bodies))
    fleet.start()
    for task, row, body in zip(tasks, fleet.ended(*tasks), bodies, strict=True):
        assert (row["status"], row["attempt"]) == ("completed", 1)
        assert fleet.ran(task) == [body]
        assert len(fleet.all("SELECT FROM effects WHERE task_id = %s", (task,))) == 1


def test_a_batch_of_which_a_task_ended_before_a_worker_came(celery_fleet: CeleryFleet) -> None:
    fleet = celery_fleet
    tasks = {fleet.agent_task("elsewhere_together") for _ in range(3)}
    fleet.start()
    fleet.until(lambda: fleet.all("SELECT FROM task_handoffs"))
    first = fleet.one("SELECT task_id, companions FROM task_handoffs")
    assert tasks == {first["task_id"], *first["companions"]}
    fleet.all("SELECT cancel_task(%s, 'not wanted')", (first["task_id"],))
    assert fleet.ended(first["task_id"])[0]["status"] == "cancelled"
    fleet.worker()
    fleet.ended(*first["companions"])
    assert [fleet.output(one) for one in first["companions"]] == [
        {"of": str(one)} for one in first["companions"]
    ]


def test_a_redis_that_loses_everything_under_load_costs_nothing(celery_fleet: CeleryFleet) -> None:
    fleet = celery_fleet
    fleet.worker()
    fleet.start("--concurrency", "20")
    tasks = [fleet.agent_task("elsewhere_saving", '{"s": 0.2}') for _ in range(120)]
    done = "SELECT count(*) AS n FROM effects"
    for share in (20, 50):
        fleet.until(lambda share=share: fleet.one(done)["n"] >= share)
        fleet.redis.kill()
        fleet.redis.start()
    rows = fleet.ended(*tasks, within_s=120)
    assert {(row["status"], row["attempt"]) for row in rows} == {("completed", 1)}
    assert fleet.one("SELECT count(*), count(DISTINCT task_id) AS tasks FROM effects") == {
        "count": 120,
        "tasks": 120,
    }
    assert all(len(fleet.ran(task)) == 1 for task in tasks)


def test_a_broker_that_is_away_is_waited_for(celery_fleet: CeleryFleet) -> None:
    fleet = celery_fleet
    fleet.worker()
    fleet.start()
    fleet.ended(fleet.agent_task("elsewhere_quick"))
    fleet.redis.kill()
    task = fleet.agent_task("elsewhere_quick")
    fleet.until(lambda: fleet.all("SELECT FROM task_handoffs WHERE task_id = %s", (task,)))
    fleet.redis.start()
    (row,) = fleet.ended(task)
    assert (row["status"], row["attempt"]) == ("completed", 1)


def test_a_time_limit_ends_what_hears_no_signal(celery_fleet: CeleryFleet) -> None:
    fleet = celery_fleet
    fleet.worker()
    fleet.start()
    fleet.ended(fleet.agent_task("elsewhere_quick"))  # the worker takes bodies now
    task = fleet.agent_task("elsewhere_limited")
    body = fleet.begun(task)
    (row,) = fleet.ended(task)
    assert row["status"] == "failed"
    assert "the time limit of 1 s was exceeded" in row["error_message"]
    fleet.until(lambda: not lives(body), within_s=10)


def test_a_worker_that_cannot_run_it_says_why(celery_fleet: CeleryFleet) -> None:
    fleet = celery_fleet
    fleet.worker(OPPSPOT_IMPORT="tests.daemon.sample_agents")
    fleet.start()
    task = fleet.agent_task("elsewhere_quick")
    error = "SELECT error_message FROM agent_tasks WHERE id = %s"
    fleet.until(lambda: fleet.one(error, (task,))["error_message"] is not None)
    text = fleet.one(error, (task,))["error_message"]
    assert "cannot run it: unknown agent type 'elsewhere_quick'" in text, text
    row = fleet.one("SELECT * FROM agent_tasks WHERE id = %s", (task,))
    assert (row["status"], row["retry_count"]) == ("pending", 1)

    for worker in fleet.workers:
        kill(worker)
    other = fleet.agent_task("elsewhere_quick")
    fleet.until(lambda: fleet.all("SELECT FROM task_handoffs WHERE task_id = %s", (other,)))
    older = 'UPDATE task_handoffs SET ticket = ticket || \'{"version": "0.0.1"}\' RETURNING handle'
    fleet.all(older)
    fleet.worker()
    fleet.until(lambda: fleet.one(error, (other,))["error_message"] is not None)
    assert "and the runner 0.0.1" in fleet.one(error, (other,))["error_message"]


def test_a_worker_without_processes_does_not_start(celery_fleet: CeleryFleet) -> None:
    done = subprocess.run(
        [*WORKER, "--pool", "threads"],
        cwd=ROOT,
        env=celery_fleet.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "Start it with --pool prefork" in done.stderr


def _attempt(fleet: CeleryFleet, task: object) -> int:
    return int(fleet.one("SELECT attempt FROM agent_tasks WHERE id = %s", (task,))["attempt"])
