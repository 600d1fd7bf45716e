"""How much each measure does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Counts of rows and samples, and seconds; the defaults are what the documents quote."""

    tasks: int = 40_000  # of a drain at high concurrency
    tasks_at_three: int = 10_000  # of a drain at concurrency 3
    starts: int = 100  # inserts into an idle system, each round
    claimed: int = 500  # tasks ended while claims are timed
    ready: int = 100_000  # rows in the way of a claim
    future: int = 100_000
    finished: int = 1_000_000
    under_snapshot: int = 100_000  # tasks drained while a snapshot is held
    blocked: int = 100_000  # rows of an agent that may not run, in front of others
    history: int = 500_000  # finished rows in the table of a drain
    insert_s: int = 5  # of producers, each time
    long_run: int = 100_000  # tasks of one process whose memory is watched
    idle_s: int = 30
    lease_s: int = 30  # of the runner that is killed
    conversations: int = 1_000  # with a model, at the same time
    asked: int = 300  # calls of a model one after the other, each time
    register: int = 200_000  # rows of an import
    companies: int = 1_000_000  # that are searched
    pages: int = 1_000_000  # tasks behind each page
    items: int = 10_000  # companies of a stream behind it
    fleet: int = 1_000  # simulated runners on one database
    fleet_s: int = 15
    fleet_settle_s: float = 8.0


QUICK = Sizes(
    tasks=10_000,
    tasks_at_three=2_000,
    starts=50,
    ready=20_000,
    future=20_000,
    finished=100_000,
    under_snapshot=20_000,
    blocked=20_000,
    history=100_000,
    insert_s=2,
    long_run=20_000,
    idle_s=15,
    lease_s=6,
    conversations=200,
    asked=100,
    register=20_000,
    companies=50_000,
    pages=20_000,
    items=1_000,
    fleet=100,
    fleet_s=5,
)
NORMAL = Sizes()
FULL = Sizes(
    ready=1_000_000,
    future=1_000_000,
    finished=10_000_000,
    blocked=1_000_000,
    history=5_000_000,
    insert_s=10,
    long_run=1_000_000,
    idle_s=60,
    register=1_000_000,
)
