"""The floor: our claim and our finish, sent by pgbench, with nothing around them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping

import psycopg
from psycopg import sql

from benchmarks import product
from benchmarks.contenders.contender import Span
from benchmarks.contenders.ours import Ours
from benchmarks.programs import output_of
from benchmarks.server import find_binaries
from oppspot_runner.base.protocol import PROTOCOL
from oppspot_runner.db.files import statement

CLIENTS = 2
BATCH = 500
CLAIM = {
    "runner_id": "1",
    "floors": "array_fill(0::bigint, ARRAY[10])",
    "labels": "'{}'",
    "protocol": str(PROTOCOL),
}
FINISH = {
    "ids": "ids",
    "tokens": "tokens",
    "statuses": "array_fill('completed'::text, size)",
    "delays": "array_fill(0::float8, size)",
    "untils": "array_fill(NULL::timestamptz, size)",
    "retries": "array_fill(0, size)",
    "errors": "array_fill(NULL::text, size)",
    "execution_statuses": "array_fill('completed'::text, size)",
    "goals": "array_fill(NULL::jsonb, size)",
    "outputs": "array_fill('{}'::jsonb, size)",
    "summaries": "array_fill('{}'::jsonb, size)",
    "metrics": """array_fill('{"wait_ms": 0, "run_ms": 0, "steps": 0}'::jsonb, size)""",
    "durations": "array_fill(0, size)",
    "runner_id": "1",
}
# A function each, because pgbench takes one row of an answer; a transaction each, as in the runner.
FUNCTIONS = """
    CREATE FUNCTION floor_claim(OUT ids uuid[], OUT tokens bigint[]) LANGUAGE plpgsql AS $floor$
    #variable_conflict use_column
    DECLARE task record;
    BEGIN
        ids := '{{}}'; tokens := '{{}}';
        FOR task IN {claim}
        LOOP
            CONTINUE WHEN task.id IS NULL;  -- told that there was nothing
            ids := ids || task.id; tokens := tokens || task.run_token;
        END LOOP;
    END $floor$;
    CREATE FUNCTION floor_finish(ids uuid[], tokens bigint[]) RETURNS void
    LANGUAGE plpgsql AS $floor$
    DECLARE size integer[] := ARRAY[cardinality(ids)]; task record;
    BEGIN
        FOR task IN {finish} LOOP END LOOP;
    END $floor$;
"""
SCRIPT = """
SELECT ids, tokens FROM floor_claim() \\gset
SELECT floor_finish(:ids::uuid[], :tokens::bigint[]);
"""


class Floor(Ours):
    """What the statements alone cost: nobody who sends them can be faster."""

    name = "pgbench"
    remark = f"our claim and finish of {BATCH} by {CLIENTS} clients of pgbench, no tasks run"

    def fill(self, address: str, tasks: int) -> None:
        super().fill(address, tasks)
        functions = FUNCTIONS.format(
            claim=_claim(), finish=_with(statement("queue/finish"), FINISH)
        )
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(functions.encode())

    def drain(self, address: str, concurrency: int | None) -> Span:
        turns = product.value(address, "SELECT count(*) FROM agent_tasks") // (BATCH * CLIENTS) + 1
        since = product.clock(address)
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(SCRIPT)
            script.flush()
            command = [str(find_binaries() / "pgbench"), "-n", "-M", "prepared", "-f", script.name]
            counts = ["-c", str(CLIENTS), "-j", str(CLIENTS), "-t", str(turns)]
            output_of([*command, *counts, address])
        return product.span(address, since)


def _claim() -> str:
    with_limit = sql.SQL(statement("queue/claim")).format(limit=sql.Literal(BATCH))
    return _with(with_limit.as_string(None), CLAIM)


def _with(query: str, values: Mapping[str, str]) -> str:
    """The statement with SQL in place of its parameters. Raises KeyError for an unknown one."""
    return re.sub(r"%\((\w+)\)[sb]", lambda match: values[match[1]], query).replace("%%", "%")
