"""The statements of the queue touch a few pages, whatever else is in the table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.queue.abilities import Abilities
from oppspot_runner.queue.claiming import NO_FLOORS
from tests.plans.conftest import ROWS, Plan, Session, crowd_of_one, explain

pytestmark = pytest.mark.slow

KNOWING = Abilities(agent_types=["noop"])
CLAIM = {
    "runner_id": 1,
    **KNOWING.params(),
    "fair": False,
    "floors": NO_FLOORS,
    "beside": None,
    "beside_slots": False,
    "wary": False,
}
FEW = 300  # pages that a claim of three rows may touch: five lanes to look at, three rows to change
DEAD = 50_000
# The lane of the task whose batch is filled is found by its key.
BY_LANES = {"agent_tasks_lanes", "agent_tasks_running", "agent_tasks_pkey"}

generic = pytest.mark.parametrize("generic", [False, True], ids=["custom", "generic"])


@pytest.fixture(params=["analyzed", "never-analyzed"])
def queue(session: Session, request: pytest.FixtureRequest) -> Session:
    """The crowded queue, also as it is before autovacuum has looked at it."""
    if request.param == "never-analyzed":
        session.execute("DELETE FROM pg_statistic WHERE starelid = 'agent_tasks'::regclass")
    return session


def run(session: Session, rows: int, *, runner: int = 999) -> list[tuple[UUID, int]]:
    """Begins some tasks for a runner: their ids and tokens, sorted."""
    begun = session.execute(
        "UPDATE agent_tasks SET status = 'processing', runner_id = %s, attempt = 1,"
        " run_token = nextval('agent_tasks_run_token_seq'), started_at = oppspot_now(),"
        " execution_id = oppspot_uuid() WHERE id IN"
        " (SELECT id FROM agent_tasks WHERE status = 'pending' AND NOT parked LIMIT %s)"
        " RETURNING id, run_token",
        (runner, rows),
    )
    return sorted(begun.fetchall())


def changed(plan: Plan) -> int:
    """How many rows of agent_tasks a statement changed."""
    return sum(
        int(node["Actual Rows"])
        for _, node in plan.nodes()
        if node["Node Type"] == "ModifyTable" and node["Relation Name"] == "agent_tasks"
    )


@generic
def test_a_claim_reads_the_index_of_ready_rows_only(queue: Session, generic: bool) -> None:
    plan = explain(queue, "queue/claim", CLAIM, generic=generic)
    assert plan.ways_into("agent_tasks") == {"agent_tasks_ready"}, f"\n{plan}"
    assert plan.buffers < FEW, f"{plan.buffers} pages\n{plan}"
    assert changed(plan) == 3


@generic
@pytest.mark.parametrize("fair", [False, True], ids=["in-line", "fair"])
@pytest.mark.parametrize("types", [None, ["agent_execution"]], ids=["all-types", "one-type"])
def test_a_claim_that_minds_limits_walks_the_lanes(
    queue: Session, generic: bool, types: list[str] | None, fair: bool
) -> None:
    queue.execute("SET LOCAL oppspot.limits_held = 'true'")
    queue.execute(
        "INSERT INTO task_limits (scope, key, concurrency, rate)"
        " SELECT 'agent', id::text, 2, 5 FROM ai_agents LIMIT 2"
    )
    params = {**CLAIM, "task_types": types, "fair": fair}
    plan = explain(queue, "queue/claim_limited", params, generic=generic)
    assert plan.ways_into("agent_tasks") <= BY_LANES, f"\n{plan}"
    assert plan.buffers < FEW, f"{plan.buffers} pages\n{plan}"
    assert changed(plan) == 3


@generic
def test_a_batch_is_filled_from_its_lane_alone(own: Session, generic: bool) -> None:
    crowd_of_one(own, ROWS)
    quiet = crowd_of_one(own, 20)
    own.execute("ANALYZE agent_tasks")
    lead = own.execute("SELECT id FROM agent_tasks WHERE agent_id = %s", (quiet,)).fetchall()[0][0]
    own.execute("UPDATE agent_tasks SET crash_count = 2 WHERE agent_id = %s", (quiet,))
    own.execute("UPDATE agent_tasks SET crash_count = 0 WHERE id = %s", (lead,))
    plan = explain(own, "queue/claim_limited", {**CLAIM, "beside": lead}, generic=generic)
    assert plan.ways_into("agent_tasks") <= BY_LANES, f"\n{plan}"
    assert plan.buffers < FEW, f"{plan.buffers} pages\n{plan}"
    begun = own.execute("SELECT id FROM agent_tasks WHERE status = 'processing'").fetchall()
    assert begun == [(lead,)]


def test_a_paused_agent_with_everything_in_front_costs_the_others_nothing(own: Session) -> None:
    quiet = crowd_of_one(own, 1000)
    own.execute("ANALYZE agent_tasks")
    alone = explain(own, "queue/claim_limited", CLAIM)
    loud = crowd_of_one(own, ROWS)
    own.execute("INSERT INTO task_pauses (scope, key) VALUES ('agent', %s)", (str(loud),))
    beside = explain(own, "queue/claim_limited", CLAIM)
    assert beside.buffers <= 2 * alone.buffers, f"{alone.buffers}, {beside.buffers}\n{beside}"
    begun = own.execute("SELECT agent_id FROM agent_tasks WHERE status = 'processing'").fetchall()
    assert begun == [(quiet,)] * 6


@generic
def test_tasks_that_ask_for_a_label_in_front_cost_who_lacks_it_nothing(
    own: Session, generic: bool
) -> None:
    quiet = crowd_of_one(own, 1000)
    own.execute("ANALYZE agent_tasks")
    alone = explain(own, "queue/claim_limited", CLAIM, generic=generic, warm=True)
    loud = crowd_of_one(own, ROWS)
    own.execute("INSERT INTO required_labels VALUES ('agent', %s, '{gpu}')", (str(loud),))
    told = explain(own, "queue/claim", CLAIM, generic=generic)
    assert (changed(told), told.buffers < FEW) == (0, True), f"{told.buffers} pages\n{told}"
    beside = explain(own, "queue/claim_limited", CLAIM, generic=generic, warm=True)
    assert beside.buffers <= 2 * alone.buffers, f"{alone.buffers}, {beside.buffers}\n{beside}"
    begun = own.execute("SELECT agent_id FROM agent_tasks WHERE status = 'processing'").fetchall()
    assert begun == [(quiet,)] * 6
    has_it = explain(own, "queue/claim", {**CLAIM, "labels": ["gpu"]}, generic=generic)
    assert has_it.ways_into("agent_tasks") == {"agent_tasks_ready"}, f"\n{has_it}"
    assert (changed(has_it), has_it.buffers < FEW) == (3, True), f"{has_it.buffers} pages"


@generic
def test_an_agent_type_that_others_know_in_front_costs_who_does_not_nothing(
    own: Session, generic: bool
) -> None:
    """Though there are a thousand runners."""
    quiet = crowd_of_one(own, 1000)
    loud = crowd_of_one(own, ROWS)
    own.execute("UPDATE ai_agents SET agent_type = 'new' WHERE id = %s", (loud,))
    own.execute("ANALYZE agent_tasks")
    own.execute(
        "INSERT INTO task_runners (host, pid, version, slots, poll_s, lease_s, beat_s, lease_until,"
        " agent_types) SELECT 'far', n, '1', 3, 5, 30, 5, oppspot_now() + interval '1 hour',"
        " CASE WHEN n = 1000 THEN '{noop,new}' ELSE '{noop}'::text[] END"
        " FROM generate_series(1, 1000) n"
    )
    params = {**CLAIM, "agent_types": ["noop"], "wary": True}
    plan = explain(own, "queue/claim_limited", params, generic=generic, warm=True)
    assert plan.ways_into("agent_tasks") <= BY_LANES, f"\n{plan}"
    assert plan.buffers < FEW, f"{plan.buffers} pages\n{plan}"
    begun = own.execute("SELECT agent_id FROM agent_tasks WHERE status = 'processing'").fetchall()
    assert begun == [(quiet,)] * 3


@generic
def test_rows_that_ended_are_not_read_again_and_again(own: Session, generic: bool) -> None:
    crowd_of_one(own, DEAD + 1000)
    own.execute("ANALYZE agent_tasks")
    own.execute("UPDATE agent_tasks SET status = 'completed' WHERE ready_seq < -1000")
    explain(own, "queue/claim", CLAIM, generic=generic)
    second = explain(own, "queue/claim", CLAIM, generic=generic)
    # Their index entries stay until vacuum, about 150 on a page; the rows are not looked up.
    assert second.buffers < DEAD / 10, f"{second.buffers} pages\n{second}"
    own.execute("VACUUM agent_tasks")
    after = explain(own, "queue/claim", CLAIM, generic=generic)
    assert after.buffers < FEW, f"{after.buffers} pages\n{after}"


@generic
def test_promoting_with_nothing_due_looks_at_the_next_parked_row(
    queue: Session, generic: bool
) -> None:
    plan = explain(queue, "queue/promote", {}, generic=generic)
    assert plan.ways_into("agent_tasks") == {"agent_tasks_parked"}, f"\n{plan}"
    assert plan.buffers < 20, f"{plan.buffers} pages\n{plan}"


@generic
def test_promoting_moves_a_bounded_number_of_rows(own: Session, generic: bool) -> None:
    crowd_of_one(own, 5000)
    own.execute("UPDATE agent_tasks SET parked = true, scheduled_for = oppspot_now()")
    own.execute("VACUUM ANALYZE agent_tasks")
    plan = explain(own, "queue/promote", {}, generic=generic)
    assert changed(plan) == 500
    assert plan.buffers < 500 * 50, f"{plan.buffers} pages\n{plan}"


@generic
def test_a_rescue_with_nothing_lost_reads_no_tasks(queue: Session, generic: bool) -> None:
    plan = explain(queue, "queue/rescue", {"runner_id": 1}, generic=generic)
    assert "agent_tasks_running" in plan.ways_into("agent_tasks"), f"\n{plan}"
    assert plan.buffers < 20, f"{plan.buffers} pages\n{plan}"


@generic
def test_a_rescue_puts_back_a_bounded_number_of_rows(own: Session, generic: bool) -> None:
    crowd_of_one(own, 5000)
    own.execute("VACUUM ANALYZE agent_tasks")
    run(own, 200)
    plan = explain(own, "queue/rescue", {"runner_id": 1}, generic=generic)
    assert changed(plan) == 100
    assert plan.buffers < 100 * 60, f"{plan.buffers} pages\n{plan}"


@generic
def test_finishing_goes_by_the_primary_key(queue: Session, generic: bool) -> None:
    begun = run(queue, 10, runner=1)
    plan = explain(queue, "queue/finish", ends(begun), generic=generic)
    assert plan.ways_into("agent_tasks") == {"agent_tasks_pkey"}, f"\n{plan}"
    assert changed(plan) == 10
    assert plan.buffers < 10 * 60, f"{plan.buffers} pages\n{plan}"


def ends(begun: list[tuple[UUID, int]]) -> dict[str, Any]:
    """The parameters of queue/finish for tasks that completed."""
    every = {"statuses": "completed", "execution_statuses": "completed", "retries": 0}
    nothing = ("delays", "untils", "errors", "goals", "outputs", "summaries", "metrics")
    return {
        "runner_id": 1,
        "ids": [task for task, _ in begun],
        "tokens": [token for _, token in begun],
        "durations": [1] * len(begun),
        **{name: [value] * len(begun) for name, value in every.items()},
        **{name: [None] * len(begun) for name in nothing},
    }


def test_an_attempt_writes_by_the_primary_key_however_many_run(own: Session) -> None:
    crowd_of_one(own, 5000)
    own.execute("VACUUM ANALYZE agent_tasks")
    ((task, token), *_) = run(own, 2000, runner=1)
    step = {"name": "step", "seq": 0, "result": "{}", "position": 0, "fingerprint": ""}
    values = {**step, "progress": "{}", "runner_id": 1}
    for name in ("queue/hold", "queue/progress", "queue/save_step"):
        plan = explain(own, name, {"task_id": task, "run_token": token, **values})  # type: ignore[arg-type]
        assert plan.ways_into("agent_tasks") == {"agent_tasks_pkey"}, f"{name}\n{plan}"
        assert plan.buffers < 40, f"{name} {plan.buffers} pages\n{plan}"


@generic
def test_asking_whether_all_is_done_stops_at_the_first_row(queue: Session, generic: bool) -> None:
    params = replace(KNOWING, task_types=["agent_execution"]).params()
    plan = explain(queue, "queue/is_drained", params, generic=generic, warm=True)
    # Running rows, ready rows, what is paused, and labels: a few pages each.
    assert plan.buffers < 30, f"{plan.buffers} pages\n{plan}"
