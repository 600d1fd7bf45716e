"""What calls of models may cost: held before them, charged after, never more than the limit."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.tool_errors import BudgetExceededError, BudgetHeldError, PriceUnknownError
from oppspot_runner.db.pool import Database
from oppspot_runner.limits import budgets
from oppspot_runner.limits.budgets import TaskLimit, task_limit


class Till:
    """Tasks that run, calls that they make, and the budgets over them."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.token = 0
        self.now: str | None = None

    async def one(self, query: Any, *values: Any) -> Any:
        row = await self.db.fetch_one(query, values)
        return next(iter(row.values())) if row else None

    async def task(self, **columns: Any) -> dict[str, Any]:
        """A task that runs, as calls name it."""
        self.token += 1
        names = ["status", "run_token", "runner_id", *columns]
        marks = ", ".join(["%s"] * len(names))
        made = await self.one(
            f"INSERT INTO agent_tasks ({', '.join(names)}) VALUES ({marks}) RETURNING id",
            *("processing", self.token, 1, *columns.values()),
        )
        return {"task_id": str(made), "run_token": self.token, "attempt": 1}

    async def call(
        self,
        task: dict[str, Any],
        estimate: str | None,
        *,
        limit: TaskLimit | None = None,
        dropped: tuple[UUID, ...] = (),
        **columns: Any,
    ) -> dict[str, Any]:
        """Begins a call; what ends it."""
        named = {"id": str(uuid4()), "step": "model", "seq": 0, "model": "mock:echo"}
        call = {**named, **task, "estimate_usd": estimate, **columns}
        async with self.transaction() as tx:
            assert await budgets.begin_call(tx, call, limit or TaskLimit(), dropped)
        return call

    async def end(
        self, call: dict[str, Any], cost: str | None, status: str = "finished", tokens: int = 0
    ) -> bool:
        counts = dict.fromkeys(
            ("cached_tokens", "cache_written_tokens", "reasoning_tokens", "output_tokens"), 0
        )
        ended = {**call, **counts, "input_tokens": tokens, "cost_usd": cost, "status": status}
        step = {"name": "model", "seq": 0, "position": None, "fingerprint": None}
        place = {**step, "task_id": call["task_id"], "attempt": 1}
        async with self.transaction() as tx:
            return await budgets.end_call(tx, ended, place, None)

    def transaction(self) -> Any:
        return self.db.transaction()

    async def budget(self, scope: str, scope_id: Any, most: str, **more: Any) -> UUID:
        period, policy = more.get("period", "total"), more.get("on_unknown_price", "deny")
        made: UUID = await self.one(
            "SELECT set_budget(%s, %s, %s, %s, %s)", scope, scope_id, Decimal(most), period, policy
        )
        return made

    async def balance(self) -> tuple[str, str, str]:
        """Spent, held and left of the one budget there is."""
        row = await self.db.fetch_one("SELECT * FROM budget_balances")
        assert row is not None
        return tuple(f"{row[f'{name}_usd'].normalize():f}" for name in ("spent", "held", "left"))  # type: ignore[return-value]


@pytest.fixture
async def till(db: Database) -> Till:
    return Till(db)


async def test_a_call_holds_what_it_may_cost_and_is_charged_what_it_did(till: Till) -> None:
    task = await till.task()
    await till.budget("task", task["task_id"], "1")
    call = await till.call(task, "0.7")
    assert await till.balance() == ("0", "0.7", "0.3")
    assert await till.end(call, "0.123456789012345678901")
    assert await till.balance() == ("0.123456789012345678901", "0", "0.876543210987654321099")
    assert await till.end(call, "0.123456789012345678901")  # said again, as after an outage
    assert await till.balance() == ("0.123456789012345678901", "0", "0.876543210987654321099")


async def test_what_fits_once_others_have_ended_waits_and_what_never_fits_fails(
    till: Till,
) -> None:
    agent = await till.one("INSERT INTO ai_agents (name) VALUES ('a') RETURNING id")
    one, other = await till.task(), await till.task()
    await till.budget("agent", agent, "1")
    call = await till.call(one, "0.7", agent_id=str(agent))
    with pytest.raises(BudgetHeldError, match=r"0 are spent and 0\.7 held by other calls"):
        await till.call(other, "0.4", agent_id=str(agent))
    with pytest.raises(BudgetExceededError, match=r"mock:echo may cost 1\.01"):
        await till.call(other, "1.01", agent_id=str(agent))
    await till.end(call, "0.6")
    await till.call(other, "0.4", agent_id=str(agent))
    with pytest.raises(BudgetExceededError):
        await till.call(one, "0.400000000000000001", agent_id=str(agent))
    assert await till.balance() == ("0.6", "0.4", "0")


async def test_what_an_attempt_held_is_free_once_the_task_is_not_its_own(till: Till) -> None:
    task = await till.task()
    await till.budget("task", task["task_id"], "1")
    call = await till.call(task, "0.7")
    await till.db.execute("UPDATE agent_tasks SET status = 'pending'")
    assert await till.balance() == ("0", "0", "1")
    assert not await till.end(call, "0.5")
    async with till.db.connection() as connection:
        await budgets.lose_calls(connection)
    row = await till.db.fetch_one("SELECT status, cost_usd, estimate_usd FROM model_calls")
    assert row == {"status": "lost", "cost_usd": None, "estimate_usd": Decimal("0.7")}
    day = await till.db.fetch_one("SELECT cost_usd, lost_calls, lost_usd FROM costs_by_day")
    assert day == {"cost_usd": 0, "lost_calls": 1, "lost_usd": Decimal("0.7")}


async def test_eight_at_once_get_three_thirds_of_a_dollar(till: Till) -> None:
    org = await till.one("INSERT INTO organizations DEFAULT VALUES RETURNING id")
    await till.budget("org", org, "1")
    tasks = [await till.task() for _ in range(8)]

    async def ask(task: dict[str, Any]) -> bool:
        try:
            await till.call(task, "0.33", org_id=str(org))
        except BudgetHeldError:
            return False
        return True

    assert sum(await asyncio.gather(*map(ask, tasks))) == 3
    assert await till.balance() == ("0", "0.99", "0.01")


async def test_of_several_budgets_each_must_have_room(till: Till) -> None:
    org = await till.one("INSERT INTO organizations DEFAULT VALUES RETURNING id")
    task = await till.task()
    await till.budget("org", org, "1")
    await till.budget("org", org, "0.5", period="day")
    await till.budget("task", task["task_id"], "0.1", period="month")
    with pytest.raises(BudgetExceededError, match=r"of task .*month"):
        await till.call(task, "0.2", org_id=str(org))
    await till.call(await till.task(), "0.2", org_id=str(org))
    with pytest.raises(BudgetHeldError, match=r"of organisation .*day"):
        await till.call(await till.task(), "0.4", org_id=str(org))


async def test_what_a_task_starts_is_charged_to_it_and_to_its_run(till: Till) -> None:
    stream = await till.one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    run = await till.one(
        "INSERT INTO stream_runs (stream_id, open_nodes) VALUES (%s, 1) RETURNING id", stream
    )
    parent = await till.task(run_id=run)
    child = await till.task(parent_task_id=parent["task_id"])
    grandchild = await till.task(parent_task_id=child["task_id"])
    await till.end(await till.call(grandchild, "0.1"), "0.1")
    await till.budget("task", parent["task_id"], "1")
    await till.end(await till.call(grandchild, "0.2"), "0.2")
    await till.call(child, "0.3")
    assert await till.balance() == ("0.3", "0.3", "0.4")
    with pytest.raises(BudgetExceededError, match=f"of task {parent['task_id']}"):
        await till.call(grandchild, "0.8")
    limit = TaskLimit(Decimal("0.4"))
    with pytest.raises(BudgetExceededError, match=r"0\.3 are spent"):
        await till.call(parent, "0.2", limit=limit)
    charged = "SELECT count(*) FROM model_calls WHERE run_id = %s AND stream_id = %s"
    assert await till.one(charged, run, stream) == 3


async def test_a_limit_of_the_configuration_is_one_for_each_task(till: Till) -> None:
    limit = task_limit({"limits": {"cost_usd": 0.1}})
    one, other = await till.task(), await till.task()
    await till.end(await till.call(one, "0.1", limit=limit), "0.07")
    await till.call(other, "0.1", limit=limit)
    with pytest.raises(BudgetExceededError, match=r"0\.1 USD \(total\), 0\.07 are spent"):
        await till.call(one, "0.05", limit=limit)


@pytest.mark.parametrize("most", [-1, True, "a lot", float("nan"), float("inf"), [1]])
def test_a_limit_that_is_no_amount_is_refused(most: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"limits\.cost_usd is"):
        task_limit({"limits": {"cost_usd": most}})


async def test_an_unknown_price_is_denied_counted_or_ignored_as_the_budget_says(
    till: Till,
) -> None:
    task = await till.task()
    await till.budget("task", task["task_id"], "1")
    with pytest.raises(PriceUnknownError, match="its price is unknown"):
        await till.call(task, None)
    for policy, counted in (("tokens_only", 12), ("allow", 12)):
        await till.budget("task", task["task_id"], "1", on_unknown_price=policy)
        await till.end(await till.call(task, None), None, tokens=12)
        assert await till.one("SELECT unpriced_tokens FROM budget_balances") == counted
    assert await till.balance() == ("0", "0", "1")


async def test_a_budget_below_what_is_spent_stops_all_that_costs(till: Till) -> None:
    task = await till.task()
    await till.budget("task", task["task_id"], "1")
    await till.end(await till.call(task, "0.5"), "0.5")
    await till.budget("task", task["task_id"], "0.2")
    assert await till.balance() == ("0.5", "0", "0")
    with pytest.raises(BudgetExceededError):
        await till.call(task, "0.000001")


async def test_a_new_budget_knows_what_was_spent_before_it(till: Till) -> None:
    task = await till.task()
    await till.end(await till.call(task, "0.5"), "0.4")
    await till.budget("task", task["task_id"], "1", period="month")
    assert await till.balance() == ("0.4", "0", "0.6")


async def test_a_budget_that_is_made_amid_calls_counts_each_of_them_once(dsn: str) -> None:
    async with Database(dsn, max_size=8) as db:
        till = Till(db)
        org = await till.one("INSERT INTO organizations DEFAULT VALUES RETURNING id")

        async def spend(task: dict[str, Any]) -> None:
            for _ in range(20):
                await till.end(await till.call(task, "0.01", org_id=str(org)), "0.01")

        async def make_anew() -> None:
            for _ in range(20):
                await till.budget("org", org, "1000")
                await till.one("SELECT remove_budget('org', %s)", org)
            await till.budget("org", org, "1000")

        tasks = [await till.task() for _ in range(6)]
        await asyncio.gather(make_anew(), *map(spend, tasks))
        assert await till.balance() == ("1.2", "0", "998.8")


async def test_old_calls_go_when_their_tasks_are_over_and_budgets_keep_their_sums(
    till: Till,
) -> None:
    agent = await till.one("INSERT INTO ai_agents (name) VALUES ('a') RETURNING id")
    await till.budget("agent", agent, "1")
    over, waits = await till.task(), await till.task()
    for task in (over, waits):
        await till.end(await till.call(task, "0.1", agent_id=str(agent)), "0.1")
    await till.db.execute("UPDATE model_calls SET started_at = started_at - interval '91 days'")
    await till.call(over, "0.1", agent_id=str(agent))
    ended = "UPDATE agent_tasks SET status = 'completed' WHERE id = %s"
    await till.db.execute(ended, (over["task_id"],))
    async with till.db.connection() as connection:
        assert await budgets.prune_calls(connection, keep_s=90 * 86_400) == 1
    left = await till.db.fetch_all("SELECT task_id, status FROM model_calls ORDER BY started_at")
    assert [(str(one["task_id"]), one["status"]) for one in left] == [
        (waits["task_id"], "finished"),
        (over["task_id"], "started"),
    ]
    assert (await till.balance())[0] == "0.2"


async def test_a_call_that_is_not_waited_for_holds_nothing(till: Till) -> None:
    task = await till.task()
    await till.budget("task", task["task_id"], "1")
    call = await till.call(task, "0.7")
    await till.call(task, "0.8", dropped=(UUID(call["id"]),))
    assert await till.balance() == ("0", "0.8", "0.2")


async def test_a_call_counts_in_the_day_of_utc_in_which_it_began(db: Database) -> None:
    async with db.connection() as connection:
        till = Standing(db, connection)
        task = await till.task()
        await till.at("2026-05-31T23:59:59.9Z")
        await till.budget("task", task["task_id"], "1", period="day")
        await till.budget("task", task["task_id"], "1.5", period="month")
        late = await till.call(task, "0.7")
        await till.at("2026-06-01T00:00:00Z")
        assert await till.rows() == [("day", 0, 0), ("month", 0, 0)]
        await till.call(task, "0.9")
        await till.end(late, "0.6")
        assert await till.rows() == [("day", 0, Decimal("0.9")), ("month", 0, Decimal("0.9"))]
        await till.at("2026-05-31T23:00:00Z")
        assert (await till.rows())[0][:2] == ("day", Decimal("0.6"))
        await connection.execute("RESET oppspot.now")


class Standing(Till):
    """The same on one connection, whose clock stands still."""

    def __init__(self, db: Database, connection: Any) -> None:
        super().__init__(db)
        self.connection = connection

    async def one(self, query: Any, *values: Any) -> Any:
        row = await (await self.connection.execute(query, values)).fetchone()
        return next(iter(row.values())) if row else None

    def transaction(self) -> Any:
        return _Inside(self.connection)

    async def at(self, time: str) -> None:
        await self.one("SELECT set_config('oppspot.now', %s, false)", time)

    async def rows(self) -> list[tuple[str, Any, Any]]:
        found = await (
            await self.connection.execute("SELECT * FROM budget_balances ORDER BY period")
        ).fetchall()
        return [(row["period"], row["spent_usd"], row["held_usd"]) for row in found]


class _Inside:
    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def __aenter__(self) -> Any:
        return self.connection

    async def __aexit__(self, *_: object) -> None:
        return None
