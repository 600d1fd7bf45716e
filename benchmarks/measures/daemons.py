"""What more daemons on one database bring, and how much of the machine Postgres takes of it."""

from __future__ import annotations

from functools import partial

from benchmarks import processes, product, statements
from benchmarks.bench import Bench
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.rounds import alternate, compare

COUNTS = (1, 2, 4)
SLOTS = 100  # of each: with ten times as many the first would have claimed everything


def run(bench: Bench) -> Outcome:
    """The same tasks, drained by one daemon, by two and by four."""
    outcome = alternate(
        bench.rounds, {_name(count): partial(_drain, bench, count) for count in COUNTS}
    )
    for count in COUNTS[1:]:
        rates = (f"{_name(one)}: tasks/s" for one in (count, 1))
        compare(outcome, f"{_name(count)} / {_name(1)}", *rates)
    return outcome


def _drain(bench: Bench, count: int) -> Figures:
    bench.say(f"  {_name(count)}")
    tasks, server = bench.sizes.tasks, bench.server
    with product.database(server) as dsn:
        product.add_tasks(dsn, product.add_agent(dsn), tasks)
        product.settle(dsn)
        if seen := statements.are_seen(dsn):
            statements.reset(dsn)
        since, used_s = product.clock(dsn), server.cpu_s()
        command = product.start_command("--drain-and-exit", "--concurrency", str(SLOTS))
        env = product.environment(dsn)
        runners = [processes.start(command, env=env, folder=product.ROOT) for _ in range(count)]
        for runner in runners:
            runner.wait(product.DRAINED_S)
        used_s = server.cpu_s() - used_s
        span = product.span(dsn, since)
        calls = statements.calls(dsn) if seen else None
    own_s = sum(one.at(span.ended).cpu_s - one.at(span.began).cpu_s for one in runners)
    figures = {
        "tasks/s": tasks / span.seconds,
        "Postgres, % of a core": used_s / span.seconds * 100,
        "daemons, % of a core": own_s / span.seconds * 100,
        "Postgres, us per task": used_s / tasks * 1e6,
    }
    return figures if calls is None else {**figures, "statements per task": calls / tasks}


def _name(count: int) -> str:
    return f"{count} daemon" if count == 1 else f"{count} daemons"


MEASURE = Measure(
    "daemons",
    "no-op tasks with one, two and four daemons of 100 slots on one database",
    run,
    (Bound("2 daemons / 1 daemon", at_least=1),),
)
