"""The measures, in the order in which they run."""

from __future__ import annotations

from benchmarks.measure import Measure
from benchmarks.measures import (
    claim_blocked,
    claim_crowded,
    claim_snapshot,
    conversations,
    daemons,
    drain_history,
    fan_in,
    finish_dependents,
    fleet_size,
    http_beside,
    idle_runner,
    import_register,
    insert_rate,
    pages,
    port_overhead,
    rescue_time,
    runner_cost,
    search_companies,
    start_latency,
    throughput,
)

ALL: tuple[Measure, ...] = (
    throughput.MOST,
    throughput.THREE,
    daemons.MEASURE,
    start_latency.MEASURE,
    claim_crowded.MEASURE,
    claim_snapshot.MEASURE,
    claim_blocked.MEASURE,
    drain_history.MEASURE,
    finish_dependents.MEASURE,
    fan_in.MEASURE,
    insert_rate.MEASURE,
    runner_cost.MEASURE,
    idle_runner.MEASURE,
    rescue_time.MEASURE,
    conversations.MEASURE,
    port_overhead.MEASURE,
    import_register.MEASURE,
    search_companies.MEASURE,
    pages.MEASURE,
    http_beside.MEASURE,
    fleet_size.MEASURE,
)
