"""Bodies in Celery workers, from the claim to the end. It takes seconds, because a worker does to
start; what can go wrong is in tests/slow/test_celery.py."""

from __future__ import annotations

import pytest

from oppspot_runner.backends.celery_bodies import BODY, celery_app
from tests.backends.conftest import lives
from tests.celery.conftest import CeleryFleet
from tests.celery.redis import needs_redis

pytestmark = needs_redis


@pytest.mark.slow
def test_a_body_in_a_worker_is_like_any_other(celery_fleet: CeleryFleet) -> None:
    fleet = celery_fleet
    fleet.worker()
    runner = fleet.start()
    stream = fleet.one("INSERT INTO streams (name) VALUES ('s') RETURNING id")["id"]
    task = fleet.agent_task("elsewhere_saving", stream_id=stream)
    (row,) = fleet.ended(task)
    assert row["status"] == "completed", row["error_message"]

    # It ran in a process of the worker, wrote from there, and was saved in the runner, once.
    (pid,) = fleet.ran(task)
    output = fleet.output(task)
    assert (output["pid"], output["paid"]) == (pid, pid)
    effects = fleet.all("SELECT worker_pid, runner_pid FROM effects")
    assert effects == [{"worker_pid": pid, "runner_pid": runner.pid}]
    insight = fleet.one("SELECT id::text FROM stream_insights")["id"]
    assert insight == output["insight"]
    told = fleet.all("SELECT type FROM run_events WHERE type = 'progress'")
    assert len(told) == 1
    assert fleet.one("SELECT metrics FROM agent_executions")["metrics"]["steps"] == 1

    # Somebody's message comes twice, and somebody cancels the task.
    task = fleet.agent_task("elsewhere_blocks", '{"s": 60}')
    pid = fleet.begun(task)
    handle = fleet.one("SELECT handle::text FROM task_handoffs WHERE task_id = %s", (task,))
    app = celery_app(fleet.redis.url, "oppspot")
    app.send_task(BODY, (handle["handle"],), ignore_result=True)
    app.close()
    progress = "SELECT progress ->> 'message' AS pid FROM agent_tasks WHERE id = %s"
    fleet.until(lambda: fleet.one(progress, (task,))["pid"] is not None)
    born = int(fleet.one(progress, (task,))["pid"])
    fleet.all("SELECT cancel_task(%s, 'not wanted')", (task,))
    (row,) = fleet.ended(task)
    assert row["status"] == "cancelled"
    fleet.until(lambda: not lives(pid) and not lives(born), within_s=5)
    assert fleet.ran(task) == [pid]
    fleet.until(lambda: not fleet.all("SELECT FROM task_handoffs"), within_s=20)
    assert fleet.ended(fleet.agent_task("elsewhere_quick"))[0]["status"] == "completed"
