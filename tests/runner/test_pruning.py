"""Old rows go in bounded chunks; failed ones and young ones stay."""

from __future__ import annotations

from dataclasses import replace

from oppspot_runner.agents.context import Context
from oppspot_runner.base.events import EventBus
from oppspot_runner.db.pool import Database
from oppspot_runner.runner.config import RunnerConfig
from oppspot_runner.runner.maintenance import Pruning
from oppspot_runner.runner.patience import Patience
from tests.runner.conftest import FAST, Bench

FILL = """
INSERT INTO agent_tasks (status, finished_at, created_at)
SELECT s, now() - make_interval(days => d), now() - make_interval(days => d)
FROM unnest(ARRAY['completed', 'cancelled', 'failed']) s,
     unnest(ARRAY[1, 29, 31, 400]) d, generate_series(1, 5)
"""
FILL_HISTORY = """
INSERT INTO agent_executions (status, created_at)
SELECT 'completed', now() - make_interval(days => d) FROM unnest(ARRAY[1, 89, 91]) d
"""


FILL_ANSWERS = """
INSERT INTO idempotency_keys (owner, key, fingerprint, status, body, created_at)
SELECT 'o', h::text, 'f', 200, '{}', now() - make_interval(hours => h)
FROM unnest(ARRAY[1, 23, 25]) h
"""


async def test_ended_tasks_past_their_time_go_and_failed_ones_stay(db: Database) -> None:
    await db.execute(FILL)
    await db.execute(FILL_HISTORY)
    await db.execute(FILL_ANSWERS)
    pruning = Pruning(db, Patience(EventBus()), RunnerConfig())
    assert await pruning.chunk() == 20 + 1
    left = await db.fetch_all(
        "SELECT status, count(*) AS n FROM agent_tasks GROUP BY status ORDER BY status"
    )
    assert [(row["status"], row["n"]) for row in left] == [
        ("cancelled", 10),
        ("completed", 10),
        ("failed", 20),
    ]
    keys = await db.fetch_all("SELECT key FROM idempotency_keys ORDER BY key")
    assert [row["key"] for row in keys] == ["1", "23"]


async def test_what_calls_cost_is_summed_up_and_goes_with_them(db: Database) -> None:
    await db.execute(
        "INSERT INTO model_calls"
        " (task_id, attempt, run_token, step, seq, model, status, started_at, finished_at)"
        " SELECT oppspot_uuid(), 1, 1, 's', 0, 'm', 'finished', now() - make_interval(days => d),"
        " now() FROM unnest(ARRAY[0, 2, 2, 89, 91]) d"
    )
    pruning = Pruning(db, Patience(EventBus()), RunnerConfig())
    assert await pruning.chunk() == 1
    kept = "SELECT calls FROM model_cost_days ORDER BY day"
    assert [row["calls"] for row in await db.fetch_all(kept)] == [1, 2]
    pruning = Pruning(db, Patience(EventBus()), RunnerConfig(history_s=5 * 86_400))
    assert await pruning.chunk() == 1
    assert [row["calls"] for row in await db.fetch_all(kept)] == [2]


async def test_a_day_that_takes_too_long_to_sum_up_keeps_nothing_from_going(db: Database) -> None:
    await db.execute(
        "INSERT INTO model_calls"
        " (task_id, attempt, run_token, step, seq, model, status, started_at, finished_at)"
        " SELECT oppspot_uuid(), 1, 1, 's', 0, 'm', 'finished', now() - make_interval(days => d),"
        " now() FROM unnest(ARRAY[2, 2, 91]) d"
    )
    await db.execute(
        "CREATE FUNCTION too_long() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE query_canceled; END $$"
    )
    await db.execute(
        "CREATE TRIGGER too_long BEFORE INSERT ON model_cost_days"
        " FOR EACH ROW EXECUTE FUNCTION too_long()"
    )
    pruning = Pruning(db, Patience(EventBus()), RunnerConfig())
    assert [await pruning.chunk() for _ in range(2)] == [1, 0]
    assert (await db.fetch_all("SELECT sum(calls)::int AS n FROM costs_by_day"))[0]["n"] == 2


async def test_a_chunk_is_bounded_and_the_walk_goes_on_where_it_stopped(db: Database) -> None:
    await db.execute(
        "INSERT INTO agent_tasks (status, finished_at)"
        " SELECT 'completed', now() - interval '40 days' FROM generate_series(1, 6000)"
    )
    pruning = Pruning(db, Patience(EventBus()), RunnerConfig())
    assert [await pruning.chunk() for _ in range(3)] == [5000, 1000, 0]


async def test_a_retry_by_hand_of_an_old_task_is_not_pruned_away(db: Database) -> None:
    await db.execute(
        "INSERT INTO agent_tasks (status, finished_at)"
        " VALUES ('completed', now() - interval '40 d')"
    )
    await db.execute("UPDATE agent_tasks SET status = 'pending'")
    pruning = Pruning(db, Patience(EventBus()), RunnerConfig())
    assert await pruning.chunk() == 0


async def test_totals_stay_right_and_small_while_work_is_done_and_deleted(bench: Bench) -> None:
    async def work(ctx: Context) -> None:
        return None

    agent = await bench.agent(work)
    tasks = [await bench.task(agent) for _ in range(9)]
    await bench.db.execute(
        "INSERT INTO task_tallies (status, n)"
        " SELECT 'completed', CASE WHEN n % 2 = 0 THEN 1 ELSE -1 END FROM generate_series(1, 200) n"
    )
    async with bench.running(replace(FAST, poll_s=0.2)):
        await bench.ended(*tasks)

        async def folded() -> bool:
            row = await bench.db.fetch_one("SELECT count(*) AS n FROM task_tallies")
            return row is not None and row["n"] <= 20

        await bench.until(folded)
    row = await bench.db.fetch_one("SELECT completed FROM task_runner_stats")
    assert row == {"completed": 9}
    config = RunnerConfig(keep_s=-60)
    await Pruning(bench.db, Patience(EventBus()), config).chunk()
    row = await bench.db.fetch_one("SELECT completed, total FROM task_runner_stats")
    assert row == {"completed": 0, "total": 0}


FILL_PEOPLE = """
WITH p AS (INSERT INTO people (name, name_norm, source, last_seen_at)
    SELECT 'p', 'p', 'test', now() - make_interval(days => d) FROM unnest(ARRAY[1, 364, 366, 400]) d
    RETURNING id, last_seen_at)
INSERT INTO contacts (name, name_norm, email, source, person_id, updated_at, last_contact_at)
SELECT 'k', 'k', c.email, 'test', CASE WHEN c.days = 1 THEN p.id END,
    now() - make_interval(days => c.days), c.at
FROM (VALUES ('new@x.test', 1, NULL), ('old@x.test', 366, NULL), ('spoken@x.test', 366, now()))
    c (email, days, at)
CROSS JOIN (SELECT id FROM p ORDER BY last_seen_at LIMIT 1) p
"""


async def test_people_whom_nobody_has_named_for_long_go(db: Database) -> None:
    await db.execute(FILL_PEOPLE)
    pruning = Pruning(db, Patience(EventBus()), RunnerConfig())
    assert await pruning.chunk() == 2  # the oldest person is a contact that is young
    left = await db.fetch_all("SELECT email FROM contacts ORDER BY email")
    assert [row["email"] for row in left] == ["new@x.test", "spoken@x.test"]
    assert len(await db.fetch_all("SELECT FROM people")) == 3
