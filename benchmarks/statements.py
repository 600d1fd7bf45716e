"""What claims cost the server while a runner works, from pg_stat_statements."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from benchmarks.measure import Figures

# Every statement that claims takes new run tokens, and no other does.
CLAIMS = """
    SELECT sum(calls), sum(rows), sum(total_plan_time), sum(total_exec_time), max(max_exec_time),
           sum(shared_blks_hit + shared_blks_read)
    FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
    WHERE d.datname = current_database() AND s.query LIKE '%run_token = nextval(%'
"""


MEAN = "claim ms"


@dataclass(frozen=True)
class ClaimCost:
    """Claims since the last reset. The slowest one stands apart: it met a cold cache."""

    calls: float
    rows: float
    planning_ms: float
    execution_ms: float
    slowest_ms: float
    total_buffers: float

    def figures(self) -> Figures:
        """Means of one claim. Buffers and rows do not depend on what else the machine does."""
        planning_ms = self.planning_ms / self.calls
        return {
            MEAN: planning_ms + (self.execution_ms - self.slowest_ms) / max(self.calls - 1, 1),
            "of it planning ms": planning_ms,
            "slowest ms": self.slowest_ms,
            "buffers": self.total_buffers / self.calls,
            "tasks": self.rows / self.calls,
        }


CALLS = """
    SELECT sum(calls) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
    WHERE d.datname = current_database()
"""
IS_LOADED = "SELECT name FROM pg_settings WHERE name = 'pg_stat_statements.track'"


def are_seen(dsn: str) -> bool:
    """Whether the server counts statements."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(IS_LOADED).fetchone() is not None


def reset(dsn: str) -> None:
    """Forgets what was seen."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        connection.execute("SELECT pg_stat_statements_reset()")


def calls(dsn: str) -> float:
    """How many statements there were since the reset, in this database."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(CALLS).fetchone()
    return float(row[0]) if row and row[0] is not None else 0.0


def claim_cost(dsn: str) -> ClaimCost:
    """What claims cost since the reset. Raises RuntimeError when there was none."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(CLAIMS).fetchone()
    if row is None or row[0] is None:
        raise RuntimeError("no claim was seen in pg_stat_statements")
    return ClaimCost(*map(float, row))
