"""Wires metrics: what a process answers, what the runner beside it does, how the fleet stands."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from oppspot_runner.app.runner_report import ReportLine
from oppspot_runner.db.pool import Database
from oppspot_runner.observe import catalog
from oppspot_runner.observe.counting import RequestCounts, Sample
from oppspot_runner.observe.fleet import FleetGauges
from oppspot_runner.observe.metrics import Metrics

RUNNER_S = 2.0


def build_metrics(
    database: Database, requests: RequestCounts, runner: ReportLine | None = None
) -> Metrics:
    """The metrics of this process, and of the runner whose child it is, if there is one."""
    own: list[Callable[[], Iterable[Sample]]] = [requests.samples, partial(pool_gauges, database)]
    fleet = FleetGauges(database)
    if runner is None:
        return Metrics(own, [fleet.samples])
    return Metrics(own, [fleet.samples, partial(runner_samples, runner)], pid=os.getppid())


async def runner_samples(runner: ReportLine) -> Sequence[Sample]:
    """The numbers of a runner; none when it does not answer."""
    with suppress(TimeoutError, EOFError):
        return (await runner.ask(RUNNER_S)).samples
    return ()


def pool_gauges(database: Database) -> Iterator[Sample]:
    """The connections of a process."""
    use = database.use()
    idle = use["pool_available"]
    yield catalog.POOL, ("in_use",), use["pool_size"] - idle
    yield catalog.POOL, ("idle",), idle
    yield catalog.POOL_WAITING, (), use.get("requests_waiting", 0)
