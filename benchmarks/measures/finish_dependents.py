"""What the end of an agent costs when another one waits for it, against one nobody waits for."""

from __future__ import annotations

import time
from functools import partial
from statistics import median

import psycopg

from benchmarks import product
from benchmarks.bench import Bench
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.rounds import alternate, compare

ENDS = 300
WARM_UP = 30
COST = "ms for what follows an end"
NOBODY, ANOTHER = "nobody waits", "another one waits"
# The first half of the agents are ended; each of the others waits for one of these, or for none.
STREAM = """
    WITH s AS (INSERT INTO streams (name) VALUES ('s') RETURNING id),
    a AS (INSERT INTO ai_agents (name, agent_type)
          SELECT n, 'member' FROM generate_series(1, %(size)s) n RETURNING id, name::integer AS n),
    x AS (INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)
          SELECT s.id, a.id, ARRAY(SELECT b.id FROM a b
                                   WHERE %(waited_for)s AND b.n = a.n - %(size)s / 2)
          FROM s, a)
    SELECT id FROM s
"""
FIRST = """
    SELECT n.agent_id FROM stream_run_nodes n JOIN ai_agents a ON a.id = n.agent_id
    WHERE n.run_id = %s AND a.name::integer <= %s
"""
END = "SELECT settle_run_nodes(ARRAY[%s::uuid], ARRAY[%s::uuid], '{completed}', '{NULL}')"


def run(bench: Bench) -> Outcome:
    """Ends of the agents of one run, each in a transaction of its own."""
    turns = {
        NOBODY: partial(_ends, bench, waited_for=False),
        ANOTHER: partial(_ends, bench, waited_for=True),
    }
    outcome = alternate(bench.rounds, turns)
    compare(outcome, "with / without", f"{ANOTHER}: {COST}", f"{NOBODY}: {COST}")
    return outcome


def _ends(bench: Bench, *, waited_for: bool) -> Figures:
    took = []
    half = ENDS + WARM_UP
    with (
        product.database(bench.server) as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        laid = {"size": 2 * half, "waited_for": waited_for}
        ((stream,),) = connection.execute(STREAM, laid).fetchall()
        ((opened,),) = connection.execute("SELECT run_stream(%s)", (stream,)).fetchall()
        agents = connection.execute(FIRST, (opened, half)).fetchall()
        product.settle(dsn)
        for (agent,) in agents:
            began = time.perf_counter()
            connection.execute(END, (opened, agent))
            took.append(time.perf_counter() - began)
    return {COST: median(took[WARM_UP:]) * 1000}


MEASURE = Measure(
    "finish-dependents",
    "what follows the end of an agent of a run that another one waits for",
    run,
    (Bound("with / without", at_most=2),),
)
