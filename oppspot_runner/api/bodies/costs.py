"""What calls of models cost, and budgets."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.limits.budgets import MOST_USD, OnUnknownPrice, Period, Scope
from oppspot_runner.limits.costs import By


class CostSums(BaseModel):
    """Sums over calls. Calls without a known price, and lost ones, are no part of the cost.

    `lost_usd` is what lost calls may have cost at most.
    """

    calls: int
    failed_calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    unpriced_calls: int
    lost_calls: int
    lost_usd: float


class CostRow(CostSums):
    """The sums for one value; `name` where it is the id of something with a name."""

    key: str | None
    name: str | None


class CostsBody(BaseModel):
    """The dearest values first, days the newest first; `total` is over all of them."""

    by: By
    since: datetime
    until: datetime | None
    items: list[CostRow]
    total: CostSums | None


class BudgetBody(BaseModel):
    """A budget in its period of now: what is spent, held by open calls, and left."""

    id: UUID
    scope: Scope
    scope_id: UUID
    name: str | None
    period: Period
    starts_at: datetime
    limit_usd: float
    spent_usd: float
    held_usd: float
    left_usd: float
    unpriced_tokens: int
    on_unknown_price: OnUnknownPrice


class BudgetWanted(BaseModel):
    """The most that calls of models may cost, and what becomes of those without a known price."""

    model_config = ConfigDict(extra="forbid")

    limit_usd: Decimal = Field(ge=0, le=MOST_USD, max_digits=30, decimal_places=12)
    on_unknown_price: OnUnknownPrice = "deny"


class BudgetSet(BaseModel):
    """The budget that holds from now on."""

    scope: Scope
    scope_id: UUID
    period: Period
    limit_usd: float
    on_unknown_price: OnUnknownPrice
