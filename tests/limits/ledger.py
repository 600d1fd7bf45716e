"""Calls of models on record, and whoever sums them up, at a time that a test sets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid4

from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.limits import budgets

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
TODAY = NOON.date()
DAY_S = 86_400.0
KEEP_S = 90 * DAY_S
SUMS = """
    SELECT day, org_id, stream_id, agent_id, model, calls, input_tokens, output_tokens, cost_usd,
           unpriced_calls, lost_calls, lost_usd, failed_calls FROM costs_by_day
"""
CALLS = """
    SELECT (started_at AT TIME ZONE 'UTC')::date AS day, org_id, stream_id, agent_id, model,
           count(*) AS calls, sum(input_tokens) AS input_tokens,
           sum(output_tokens) AS output_tokens,
           coalesce(sum(cost_usd), 0) AS cost_usd,
           count(*) FILTER (WHERE status = 'finished' AND cost_usd IS NULL) AS unpriced_calls,
           count(*) FILTER (WHERE status = 'lost') AS lost_calls,
           coalesce(sum(estimate_usd) FILTER (WHERE status = 'lost'), 0) AS lost_usd,
           count(*) FILTER (WHERE status = 'failed') AS failed_calls
    FROM model_calls GROUP BY 1, 2, 3, 4, 5
"""
CALL = """
    INSERT INTO model_calls (id, task_id, attempt, run_token, run_id, agent_id, stream_id, org_id,
        step, seq, model, status, estimate_usd, cost_usd, input_tokens, output_tokens, tool,
        started_at, finished_at)
    VALUES (%(id)s, %(task_id)s, %(attempt)s, 1, %(run_id)s, %(agent_id)s, %(stream_id)s,
        %(org_id)s, 'model', 0, %(model)s, %(status)s, %(estimate_usd)s, %(cost_usd)s,
        %(input_tokens)s, %(output_tokens)s, %(tool)s, %(started_at)s,
        CASE WHEN %(status)s <> 'started' THEN %(started_at)s END)
"""


class Ledger:
    """Calls on record and whoever sums them up, at a time that the test sets."""

    def __init__(self, db: Database, connection: Connection) -> None:
        self.db = db
        self.connection = connection

    async def at(self, now: datetime) -> None:
        await self.connection.execute(
            "SELECT set_config('oppspot.now', %s, false)", (now.isoformat(),)
        )

    async def one(self, query: Any, *values: Any) -> Any:
        row = await (await self.connection.execute(query, values)).fetchone()
        return next(iter(row.values())) if row else None

    async def call(self, started_at: datetime, **columns: Any) -> UUID:
        given = {
            **dict.fromkeys(("run_id", "agent_id", "stream_id", "org_id", "tool")),
            "id": uuid4(),
            "task_id": uuid4(),
            "attempt": 1,
            "model": "a:x",
            "status": "finished",
            "estimate_usd": Decimal(1),
            "cost_usd": Decimal("0.5"),
            "input_tokens": 10,
            "output_tokens": 5,
            "started_at": started_at,
            **columns,
        }
        await self.connection.execute(CALL, given)
        return given["id"]

    async def end(self, call: UUID) -> None:
        await self.connection.execute(
            "UPDATE model_calls SET status = 'lost', finished_at = oppspot_now() WHERE id = %s",
            (call,),
        )

    async def keep(self) -> None:
        await budgets.keep_days(self.connection, keep_s=KEEP_S)

    async def until(self) -> Any:
        return await self.one("SELECT day::text FROM model_cost_days_until")

    async def summed(self) -> int:
        found: int = await self.one("SELECT coalesce(sum(calls), 0)::int FROM model_cost_days")
        return found

    async def is_right(self) -> bool:
        """Whether the view says what the calls say."""
        differ = f"({SUMS} EXCEPT ALL {CALLS}) UNION ALL ({CALLS} EXCEPT ALL {SUMS})"
        return await self.one(f"SELECT count(*) FROM ({differ}) d") == 0


async def fill(ledger: Ledger, orgs: Sequence[UUID]) -> UUID:
    """A week of calls of every kind, some at the very edges of a day; one of them is open."""
    random = Random(7)
    some = {
        name: [uuid4(), uuid4(), None] for name in ("task_id", "run_id", "agent_id", "stream_id")
    }
    some["task_id"][2] = uuid4()
    for number in range(250):
        midnight = datetime(2026, 5, 25, tzinfo=UTC) + timedelta(days=random.randrange(8))
        within = (timedelta(), timedelta(microseconds=-1), timedelta(seconds=random.random() * 4e4))
        await ledger.call(
            midnight + random.choice(within),
            **{name: random.choice(ids) for name, ids in some.items()},
            org_id=random.choice([*orgs, None]),
            attempt=random.randrange(1, 3),
            model=random.choice(["a:x", "b:y"]),
            tool=random.choice([None, "run_agent"]),
            status=random.choice(["finished", "finished", "failed", "lost"]),
            estimate_usd=random.choice([None, Decimal("0.25"), Decimal(f"0.{number:030}")]),
            cost_usd=random.choice([None, Decimal("0.10"), Decimal(f"1.{number:030}")]),
            input_tokens=number,
        )
    await ledger.call(datetime(2026, 6, 1, 11, 59, tzinfo=UTC), status="started", cost_usd=None)
    return await ledger.call(
        datetime(2026, 5, 28, 10, tzinfo=UTC), status="started", cost_usd=None, org_id=orgs[0]
    )


async def fill_ended(ledger: Ledger) -> None:
    await ledger.end(await fill(ledger, [uuid4(), uuid4()]))
