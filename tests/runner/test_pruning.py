"""Old rows go in bounded chunks; failed ones and young ones stay."""

from __future__ import annotations

from oppspot_runner.base.events import EventBus
from oppspot_runner.db.pool import Database
from oppspot_runner.runner.config import RunnerConfig
from oppspot_runner.runner.maintenance import Pruning
from oppspot_runner.runner.patience import Patience

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


async def test_ended_tasks_past_their_time_go_and_failed_ones_stay(db: Database) -> None:
    await db.execute(FILL)
    await db.execute(FILL_HISTORY)
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
