"""Budgets: the most that calls of models may cost, held before a call and charged after it.

What it holds of whom is decided in SQL (begin_model_call), under the locks of the budgets.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, get_args
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base.errors import ConfigurationError, NotFoundError
from oppspot_runner.base.jsonsafe import dumps
from oppspot_runner.base.tool_errors import BudgetExceededError, BudgetHeldError, PriceUnknownError
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database

BEGIN_CALL = statement("money/begin_call")
END_CALL = statement("money/end_call")
LOSE_CALLS = statement("money/lose_calls")
PRUNE_CALLS = statement("money/prune_calls")
KEEP_DAY = statement("money/keep_day")
PRUNE_DAYS = statement("money/prune_days")
BALANCES = statement("money/balances")
FIND = statement("money/find_budget")
SET = statement("money/set_budget")
REMOVE = statement("money/remove_budget")

Scope = Literal["task", "run", "agent", "stream", "org"]
Period = Literal["total", "day", "month"]
OnUnknownPrice = Literal["deny", "tokens_only", "allow"]
MOST_USD = 10**12
KEEP_FOR_S = 5.0
NAMES = {"org": "organisation"}


@dataclass(frozen=True)
class TaskLimit:
    """`limits` in the configuration of an agent: the most that each of its tasks may cost."""

    cost_usd: Decimal | None = None
    on_unknown_price: OnUnknownPrice = "deny"


def task_limit(configuration: Mapping[str, Any]) -> TaskLimit:
    """What the configuration says. Raises ConfigurationError for what cannot be used."""
    limits = configuration.get("limits") or {}
    if not isinstance(limits, Mapping):
        raise ConfigurationError("`limits` of the agent's configuration is no object")
    policy = limits.get("on_unknown_price", "deny")
    if policy not in get_args(OnUnknownPrice):
        raise ConfigurationError(
            f"limits.on_unknown_price is {policy!r}",
            hint=f"It is one of {', '.join(get_args(OnUnknownPrice))}.",
        )
    most = limits.get("cost_usd")
    return TaskLimit(None if most is None else usd(most, "limits.cost_usd"), policy)


def usd(value: Any, what: str) -> Decimal:
    """An amount of USD, exactly as it was written. Raises ConfigurationError that names `what`."""
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        amount = Decimal("nan")
    if isinstance(value, bool) or not amount.is_finite() or not 0 <= amount <= MOST_USD:
        raise ConfigurationError(
            f"{what} is {value!r}",
            hint=f"It is a number of USD such as 2.50, at most {MOST_USD:,}.",
        )
    return amount


async def begin_call(
    connection: Connection, call: Mapping[str, Any], limit: TaskLimit, dropped: Sequence[UUID]
) -> bool:
    """Holds what `call`, columns of model_calls, may cost; False when the task is no longer ours.

    `dropped` are calls of the attempt that it no longer waits for: they hold nothing any more.
    Raises BudgetExceededError and PriceUnknownError, and BudgetHeldError when there is enough only
    after others have given back what they hold.
    """
    params = {
        "call": dumps(call),
        "task_id": UUID(call["task_id"]),
        "per_task": limit.cost_usd,
        "unpriced": limit.on_unknown_price,
        "dropped": list(dropped),
    }
    row = await (await connection.execute(BEGIN_CALL, params)).fetchone()
    if row is None:
        return False
    _judge(row, call)
    return True


def _judge(row: DictRow, call: Mapping[str, Any]) -> None:
    budget = f"the budget of {NAMES.get(row['scope'], row['scope'])} {row['scope_id']}"
    state = f"{row['limit_usd']} USD ({row['period']}), {row['spent_usd']} are spent"
    match row["verdict"]:
        case "exceeded":
            raise BudgetExceededError(
                f"{budget} has {state}, and the call of {call['model']} may cost "
                f"{call['estimate_usd']}",
                hint="Raise the budget (`oppspot-runner costs budget set`), or lower max_tokens.",
            )
        case "unpriced":
            raise PriceUnknownError(
                f"{budget} takes no calls of {call['model']}: its price is unknown",
                hint="Put it into the file of OPPSPOT_LLM_PRICES, or set on_unknown_price.",
            )
        case "waits":
            held = f"{row['held_usd']} held by other calls"
            raise BudgetHeldError(f"{budget} has {state} and {held}", row["again_at"])


async def end_call(
    connection: Connection, call: Mapping[str, Any], step: Mapping[str, Any], result: str | None
) -> bool:
    """Writes how a call ended, charges its budgets, and keeps its answer as the result of a step.

    `step` are columns of agent_steps; `result` is JSON, None where there is nothing to keep. False
    when the task is no longer ours.
    """
    params = {"call": dumps(call), **step, "result": result}
    row = await (await connection.execute(END_CALL, params)).fetchone()
    return row is not None and bool(row["ours"])


async def lose_calls(connection: Connection) -> None:
    """Ends calls that attempts left open which have ended or died, a bounded number."""
    await connection.execute(LOSE_CALLS)


async def prune_calls(connection: Connection, *, keep_s: float) -> int:
    """Deletes at most 5,000 calls older than `keep_s`; how many went. Budgets keep their sums, and
    those of a day are kept until all its calls are so old.
    """
    calls = (await connection.execute(PRUNE_CALLS, {"keep_s": keep_s})).rowcount
    await connection.execute(PRUNE_DAYS, {"keep_s": keep_s})
    return calls


async def keep_days(connection: Connection, *, keep_s: float) -> None:
    """Sums up calls of days that are over, one after the other, for KEEP_FOR_S at most.

    Calls older than `keep_s` are left out: they are about to go.
    """
    ends = time.monotonic() + KEEP_FOR_S
    while True:
        row = await (await connection.execute(KEEP_DAY, {"keep_s": keep_s})).fetchone()
        if row is None or not row["more"] or time.monotonic() >= ends:
            return


async def set_budget(
    database: Database,
    scope: Scope,
    scope_id: UUID,
    limit_usd: Decimal,
    *,
    period: Period = "total",
    on_unknown_price: OnUnknownPrice = "deny",
) -> None:
    """From now on that is the most; what was spent in the period already counts."""
    given = {"limit_usd": limit_usd, "period": period, "on_unknown_price": on_unknown_price}
    await database.fetch_one(SET, {"scope": scope, "scope_id": scope_id, **given})


async def remove_budget(
    database: Database, scope: Scope, scope_id: UUID, period: Period = "total"
) -> bool:
    """Takes a budget away; False when there is none."""
    whose = {"scope": scope, "scope_id": scope_id, "period": period}
    row = await database.fetch_one(REMOVE, whose)
    return row is not None and bool(row["removed"])


async def balances(
    database: Database, *, after: UUID | None = None, limit: int | None = None
) -> list[DictRow]:
    """Budgets in their periods of now: what is spent, held by open calls, and left.

    In the order in which they were set; `after` is the last one of the page before.
    """
    return await database.fetch_all(BALANCES, {"after": after, "limit": limit})


async def find_budget(
    database: Database, scope: Scope, scope_id: UUID, period: Period
) -> DictRow | None:
    """What was set; None where there is no such budget. Raises NotFoundError for nobody's."""
    row = await database.fetch_one(FIND, {"scope": scope, "scope_id": scope_id, "period": period})
    if row is None or not row["known"]:
        raise NotFoundError(f"there is no {NAMES.get(scope, scope)} {scope_id}")
    return row if row["limit_usd"] is not None else None
