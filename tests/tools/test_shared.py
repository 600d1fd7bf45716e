"""What sandboxes may share through the database: rate limits, results, records."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from oppspot_runner.base.rate import RateLimit
from oppspot_runner.base.tool_use import ToolUse
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.call_rates import SharedCallLimiter
from oppspot_runner.queue import result_cache
from oppspot_runner.queue.result_cache import SharedResultCache
from oppspot_runner.queue.tool_calls import CallRecords, prune_tool_calls
from oppspot_runner.tools.calculator import CalculatorTool
from oppspot_runner.tools.registry import ToolRegistry
from oppspot_runner.tools.sandbox import ToolSandbox
from oppspot_runner.tools.security import SecurityContext
from oppspot_runner.tools.tool_base import ToolBase


async def later(db: Database, seconds: float) -> None:
    """As if all calls had been made so much earlier."""
    for statement in (
        "UPDATE tool_call_starts SET at = at - make_interval(secs => %(s)s)",
        "UPDATE tool_call_rates SET last_at = last_at - make_interval(secs => %(s)s)",
    ):
        await db.execute(statement, {"s": seconds})


async def test_as_many_calls_as_the_limit_says_whoever_asks(db: Database, dsn: str) -> None:
    limit = RateLimit(5, 60)
    async with Database(dsn) as other:
        limiters = [SharedCallLimiter(db), SharedCallLimiter(other)]
        waits = await asyncio.gather(*(limiters[n % 2].take("k", limit) for n in range(20)))
    assert waits.count(0) == 5
    assert all(59 < wait <= 60 for wait in waits if wait)


async def test_no_window_has_more_calls_than_the_limit(db: Database) -> None:
    """Three calls, then two, each pair of windows half over the other: a bucket would give five."""
    limiter, limit = SharedCallLimiter(db), RateLimit(3, 60)
    let_in = 0
    for _ in range(6):
        let_in += [await limiter.take("k", limit) for _ in range(4)].count(0)
        await later(db, 20)
    assert let_in == 6  # at 0 s and at 60 s
    await later(db, 50)
    assert await limiter.take("k", RateLimit(4, 60)) == 0
    assert await limiter.take("other", RateLimit(0, 60)) == 60
    assert await limiter.take("other", limit) == 0


async def test_counts_of_idle_limits_go(db: Database) -> None:
    limiter = SharedCallLimiter(db)
    await limiter.take("idle", RateLimit(3, 60))
    await later(db, 61)
    await limiter.take("busy", RateLimit(3, 60))
    async with db.connection() as connection:
        await prune_tool_calls(connection, keep_s=60)
    left = await db.fetch_all(
        "SELECT key FROM tool_call_rates UNION SELECT key FROM tool_call_starts"
    )
    assert [row["key"] for row in left] == ["busy"]


async def test_a_limit_that_is_held_lets_nothing_through_until_then(db: Database) -> None:
    limiter, limit = SharedCallLimiter(db), RateLimit(3, 10)
    await limiter.hold("k", limit, 100)
    await limiter.hold("k", limit, 5)  # what was said before holds longer
    assert 99 < await limiter.take("k", limit) <= 100
    assert await limiter.take("other", limit) == 0
    await later(db, 60)
    async with db.connection() as connection:
        await prune_tool_calls(connection, keep_s=60)
    assert 99 < await limiter.take("k", limit) <= 100
    await db.execute("UPDATE tool_call_rates SET held_until = now()")
    assert [await limiter.take("k", limit) for _ in range(3)] == [0, 0, 0]


async def test_results_are_few_and_go_when_their_time_is_over(
    db: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(result_cache, "MOST_RESULTS", 3)
    cache = SharedResultCache(db)
    for n in range(5):
        await cache.put(f"a:{n}", {"result": n}, ttl_s=100 + n)
    await cache.put("b:over", {"result": 0}, ttl_s=0)
    assert [await cache.get(f"a:{n}") for n in range(5)] == [
        None,
        None,
        {"result": 2},
        {"result": 3},
        {"result": 4},
    ]
    assert await cache.get("b:over") is None
    await cache.put("b:large", {"result": "x" * result_cache.MOST_BYTES}, ttl_s=100)
    assert await cache.get("b:large") is None
    assert await cache.clear("b") == 0
    assert await cache.clear("a") == 3


async def test_sandboxes_of_two_programs_share_all_of_it(db: Database) -> None:
    made: list[int] = []

    class Counting(ToolBase):
        def __init__(self) -> None:
            super().__init__("counting", "Counts its calls.", cached_for_s=3600)

        def _execute_impl(self, arguments: dict[str, Any]) -> int:
            made.append(1)
            return len(made)

    def sandbox() -> ToolSandbox:
        tools = ToolRegistry([Counting(), CalculatorTool()])
        records, limiter = CallRecords(db), SharedCallLimiter(db)
        one = ToolSandbox(tools, audit=records, limiter=limiter, cache=SharedResultCache(db))
        one.set_rate_limit("counting", max_calls=2, window_seconds=60)
        return one

    whom = SecurityContext(user_id="ann", organization_id="acme", permissions=frozenset({"tool:*"}))
    answers = [await sandbox().aexecute("counting", {"a": 1}, whom) for _ in range(3)]
    assert [one.get("result") for one in answers] == [1, 1, None]
    assert answers[2]["code"] == "RATE_LIMIT_EXCEEDED"
    rows = await db.fetch_all("SELECT * FROM tool_calls ORDER BY ended_at")
    assert [row["code"] for row in rows] == [None, None, "RATE_LIMIT_EXCEEDED"]
    assert {(row["organization_id"], row["user_id"]) for row in rows} == {("acme", "ann")}
    assert {row["task_id"] for row in rows} == {None}


async def test_records_are_bounded_in_size_and_go_with_the_history(db: Database) -> None:
    records = CallRecords(db)
    for arguments in ({"text": "x" * 100_000}, ["no object"], "\x00"):
        await records.record(ToolUse("t" * 500, arguments, datetime.now(UTC), 1.5, "A_CODE"))
    rows = await db.fetch_all(
        "SELECT length(arguments::text) AS size, tool, ended_at - started_at AS took"
        " FROM tool_calls"
    )
    assert max(row["size"] for row in rows) < 20_000
    assert {len(row["tool"]) for row in rows} == {200}
    assert {row["took"].total_seconds() for row in rows} == {1.5}
    await db.execute(
        "UPDATE tool_calls SET started_at = started_at - interval '2 days' WHERE id IN"
        " (SELECT id FROM tool_calls LIMIT 2)"
    )
    async with db.connection() as connection:
        assert await prune_tool_calls(connection, keep_s=86_400) == 2
