"""What a claim costs now, and by which way it reads the queue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from psycopg.rows import DictRow

from oppspot_runner.app.doctor.bloat import TABLES
from oppspot_runner.app.doctor.finding import Finding, Patient, Severity
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.queue.claiming import CLAIM, NO_FLOORS, claim_size

EXPLAIN = statement("doctor/explain_claim")

TRIES = 3  # the first one reads what was not in memory
SLOW_S, TOO_SLOW_S = 0.025, 0.25
FEW_PAGES = 100  # a table so small is rightly read as a whole
QUEUE = "agent_tasks"


@dataclass(frozen=True)
class ClaimCost:
    """The best of a few claims: seconds, pages that were looked at, ways into agent_tasks."""

    seconds: float
    pages: int
    ways: frozenset[str]

    @property
    def reads_all(self) -> bool:
        """Whether the whole table was read instead of an index."""
        return "" in self.ways


async def claim_cost(database: Database, limit: int) -> ClaimCost:
    """What a claim of `limit` tasks costs; it is rolled back."""
    costs = []
    async with database.connection() as connection:
        for _ in range(TRIES):
            async with connection.transaction(force_rollback=True):
                costs.append(await _measure(connection, limit))
    return min(costs, key=lambda cost: cost.seconds)


async def _measure(connection: Connection, limit: int) -> ClaimCost:
    claim = sql.SQL(CLAIM).format(limit=sql.Literal(limit))
    query = sql.SQL(EXPLAIN).format(claim=claim)
    params = {"runner_id": 0, "floors": NO_FLOORS}
    row = await (await connection.execute(query, params)).fetchone()
    assert row is not None
    (told,) = row["QUERY PLAN"]
    nodes = list(_nodes(told["Plan"]))
    root = nodes[0]
    return ClaimCost(
        seconds=(told["Planning Time"] + told["Execution Time"]) / 1000,
        pages=root["Shared Hit Blocks"] + root["Shared Read Blocks"],
        ways=frozenset(
            node.get("Index Name", "") for node in nodes if node.get("Relation Name") == QUEUE
        ),
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


async def look_at_claim(patient: Patient) -> list[Finding]:
    """How long a claim takes, and whether it uses its index."""
    cost = await claim_cost(patient.database, claim_size(patient.settings.concurrency))
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
