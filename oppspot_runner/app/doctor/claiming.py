"""What a claim costs now, and by which way it reads the queue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql
from psycopg.rows import DictRow

from oppspot_runner.app.doctor.bloat import TABLES
from oppspot_runner.app.doctor.finding import Finding, Patient, Severity
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.queue.abilities import ORDINARY, Abilities
from oppspot_runner.queue.claiming import (
    CLAIM,
    CLAIM_LIMITED,
    HOLD_LIMITS,
    NO_FLOORS,
    claim_size,
)

EXPLAIN = statement("doctor/explain_claim")
ROAD = statement("doctor/road")

TRIES = 3  # the first one reads what was not in memory
SLOW_S, TOO_SLOW_S = 0.025, 0.25
FEW_PAGES = 100  # a table so small is rightly read as a whole
QUEUE = "agent_tasks"


@dataclass(frozen=True)
class ClaimCost:
    """The best of a few claims. `reads_all`: it read the whole table instead of an index."""

    seconds: float
    pages: int
    reads_all: bool


async def claim_cost(
    database: Database, limit: int, abilities: Abilities = ORDINARY, *, fair: bool = False
) -> ClaimCost:
    """What a claim of `limit` tasks costs a runner of that kind; it is rolled back."""
    params = {
        **abilities.params(),
        "runner_id": 0,
        "fair": fair,
        "beside": None,
        "beside_slots": False,
        "wary": False,
    }
    costs = []
    async with database.connection() as connection:
        row = await (await connection.execute(ROAD, params)).fetchone()
        assert row is not None
        in_line = row["open"] and not abilities.task_types and not fair
        for _ in range(TRIES):
            async with connection.transaction(force_rollback=True):
                if not in_line:
                    await connection.execute(HOLD_LIMITS)
                query = CLAIM if in_line else CLAIM_LIMITED
                costs.append(await _measure(connection, query, limit, params))
    return min(costs, key=lambda cost: cost.seconds)


async def _measure(
    connection: Connection, query: LiteralString, limit: int, params: dict[str, Any]
) -> ClaimCost:
    claim = sql.SQL(query).format(limit=sql.Literal(limit))
    explain = sql.SQL(EXPLAIN).format(claim=claim)
    cursor = await connection.execute(explain, {**params, "floors": NO_FLOORS})
    row = await cursor.fetchone()
    assert row is not None
    (told,) = row["QUERY PLAN"]
    nodes = list(_nodes(told["Plan"]))
    root = nodes[0]
    return ClaimCost(
        seconds=(told["Planning Time"] + told["Execution Time"]) / 1000,
        pages=root["Shared Hit Blocks"] + root["Shared Read Blocks"],
        reads_all=any(
            node["Node Type"] == "Seq Scan" and node["Relation Name"] == QUEUE for node in nodes
        ),
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


async def look_at_claim(patient: Patient) -> list[Finding]:
    """How long a claim takes, and whether it uses its index."""
    settings = patient.settings
    cost = await claim_cost(
        patient.database,
        claim_size(settings.concurrency),
        Abilities(settings.task_types, settings.labels),
        fair=settings.fair_share,
    )
    (table,) = await patient.database.fetch_all(TABLES, {"names": [QUEUE]})
    text = f"a claim takes {cost.seconds * 1000:.1f} ms and looks at {cost.pages:,} pages"
    if cost.reads_all and table["pages"] > FEW_PAGES:
        text += "; it reads the whole table: an index is missing, or statistics are old"
        return [Finding("claim", "fail", text, table["analyze_fix"])]
    return [Finding("claim", _how_slow(cost), text, _mend(cost, table))]


def _how_slow(cost: ClaimCost) -> Severity:
    if cost.seconds < SLOW_S:
        return "ok"
    return "warn" if cost.seconds < TOO_SLOW_S else "fail"


def _mend(cost: ClaimCost, table: DictRow) -> str | None:
    vacuum: str = table["vacuum_fix"]
    return None if _how_slow(cost) == "ok" else vacuum
