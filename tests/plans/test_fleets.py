"""What a runner asks at every poll and heartbeat costs the same in a fleet of a thousand."""

from __future__ import annotations

import pytest

from tests.plans.conftest import Session, explain

pytestmark = pytest.mark.slow

LIVING = """
    INSERT INTO task_runners
        (host, pid, version, slots, poll_s, lease_s, beat_s, lock_key, lease_until)
    SELECT 'h', n, '0', 1, 5, 30, 5, n, oppspot_now() + interval '30 s'
    FROM generate_series(1, %s) n
"""
OWN_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
LOOKED_AFTER = 20


@pytest.mark.parametrize("generic", [False, True], ids=["custom", "generic"])
@pytest.mark.parametrize("statistics", [True, False], ids=["analyzed", "never-analyzed"])
def test_a_runner_looks_after_twenty_others(own: Session, generic: bool, statistics: bool) -> None:
    own.execute(LIVING, (1000,))
    if statistics:
        own.execute("ANALYZE task_runners")
    (middle,) = own.execute("SELECT id FROM task_runners ORDER BY id OFFSET 500").fetchone() or ()
    with own.transaction():
        plan = explain(own, "queue/rescue", {"runner_id": middle}, generic=generic, warm=True)
        locks = own.execute(OWN_LOCKS).fetchone()
    read = sum(
        node["Actual Rows"] * node["Actual Loops"]
        for _, node in plan.nodes()
        if node.get("Relation Name") == "task_runners"
    )
    # Without statistics it reads all of the small table once, in order.
    assert plan.buffers < 60, f"{plan.buffers} pages\n{plan}"
    assert read < (3 * LOOKED_AFTER if statistics else 1000), f"\n{plan}"
    assert locks == (LOOKED_AFTER,)
