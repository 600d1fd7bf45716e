"""What our triggers cost those who insert, while every runner is busy and needs no waking."""

from __future__ import annotations

import re
import tempfile
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg

from benchmarks import product
from benchmarks.bench import Bench
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.programs import output_of
from benchmarks.rounds import alternate, compare
from benchmarks.server import find_binaries

CLIENTS = 8
RATE = "inserts/s"
OURS, PLAIN = "agent_tasks", "plain_tasks"
# The same columns, indexes, foreign keys and storage, and no trigger of ours.
PLAIN_TABLE = """
    CREATE TABLE plain_tasks (LIKE agent_tasks INCLUDING ALL);
    DO $$
    DECLARE rule text;
    BEGIN
        FOR rule IN SELECT pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = 'agent_tasks'::regclass AND contype = 'f'
        LOOP EXECUTE 'ALTER TABLE plain_tasks ADD ' || rule; END LOOP;
        EXECUTE format('ALTER TABLE plain_tasks SET (%s)', (
            SELECT array_to_string(reloptions, ', ') FROM pg_class
            WHERE oid = 'agent_tasks'::regclass));
    END $$;
"""


def run(bench: Bench) -> Outcome:
    """Single-row inserts by several clients, each in a transaction of its own."""
    with product.database(bench.server) as dsn:
        agent = product.add_agent(dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(PLAIN_TABLE)
        product.add_tasks(dsn, product.add_agent(dsn, product.HOLD), 3)
        with product.running(dsn, "--concurrency", "3") as runner:
            runner.wait_until(partial(_is_busy, dsn), product.READY_S)
            turns = {table: partial(_insert, bench, dsn, table, agent) for table in (OURS, PLAIN)}
            outcome = alternate(bench.rounds, turns)
    compare(outcome, "ours / without triggers", f"{OURS}: {RATE}", f"{PLAIN}: {RATE}")
    return outcome


def _is_busy(dsn: str) -> bool:
    query = "SELECT count(*) = 3 FROM agent_tasks WHERE status = 'processing'"
    return bool(product.value(dsn, query))


def _insert(bench: Bench, dsn: str, table: str, agent: UUID) -> Figures:
    bench.server.checkpoint()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "insert.sql")
        values = f"(agent_id, task_type) VALUES ('{agent}', 'agent_execution')"
        script.write_text(f"INSERT INTO {table} {values};")
        command = [str(find_binaries() / "pgbench"), "-n", "-M", "prepared", "-f", str(script)]
        flags = ["-c", str(CLIENTS), "-j", "2", "-T", str(bench.sizes.insert_s), dsn]
        said = output_of([*command, *flags])
    found = re.search(r"tps = ([\d.]+) \(without", said)
    if found is None:
        raise RuntimeError(f"pgbench told no rate: {said}")
    return {RATE: float(found[1])}


MEASURE = Measure(
    "insert-rate",
    "single-row INSERTs of 8 clients while the runner is busy, against a table without triggers",
    run,
    (Bound("ours / without triggers", at_least=0.9),),
)
