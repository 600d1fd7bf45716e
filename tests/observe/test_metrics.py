"""What is counted, what it is called, and that a database that is slow holds up nobody."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed

from oppspot_runner import Agent, Backoff, Context, Fail
from oppspot_runner.agents.registry import Registry
from oppspot_runner.agents.result_mapper import ResultMapper
from oppspot_runner.app.metrics import build_metrics
from oppspot_runner.app.runner_report import (
    Reporter,
    ReportLine,
    answer_questions,
    report_line,
)
from oppspot_runner.base import events
from oppspot_runner.base.events import EventBus
from oppspot_runner.base.outcome import Done
from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import Database
from oppspot_runner.observe.catalog import CATALOG
from oppspot_runner.observe.counting import MOST_KINDS, RequestCounts, RunnerCounts
from oppspot_runner.observe.fleet import FleetGauges
from oppspot_runner.observe.metrics import Metrics
from oppspot_runner.observe.tallies import BUCKETS, Counter, Distribution
from oppspot_runner.runner.loop import Runner
from tests.runner.conftest import FAST, Bench, bench, registry

__all__ = ["bench", "registry"]

Numbers = dict[tuple[str, ...], float]


def numbers(text: str) -> Numbers:
    """Every sample by its name and the values of its labels, in the order of the catalog."""
    order = {series: one.labels for one in CATALOG for series in one.series}
    found: Numbers = {}
    for family in parsed(text):
        for one in family.samples:
            names = (*order.get(one.name, ()), *(["le"] if "le" in one.labels else []))
            found[(one.name, *(one.labels[name] for name in names))] = one.value
    return found


async def scraped(metrics: Metrics) -> Numbers:
    body, content_type = await metrics.scrape()
    assert content_type.startswith("text/plain")
    return numbers(body.decode())


class Saved(ResultMapper):
    platform = "counted_saving"

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        return results["good"] == 1


class CountedSaving(Agent):
    agent_type = "counted_saving"
    mapper: ClassVar[ResultMapper | None] = Saved()

    def create_initial_state(self, ctx: Context) -> dict[str, Any]:
        return dict(ctx.payload)

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        return {**state, "items_created": 3}


async def sorry(ctx: Context) -> dict[str, Any]:
    """Fails once, or for good."""
    if ctx.payload.get("for_good"):
        raise Fail("no")
    if ctx.attempt == 1:
        raise LookupError("not there")
    return {"companies_found": 7, "share": 0.5, "name": "x", "ok": True, "lost": -4}


async def test_what_a_runner_does_is_counted(bench: Bench, registry: Registry) -> None:
    registry.register(CountedSaving)
    saving = await bench.agent_row("counted_saving")
    failing = await bench.agent(sorry, backoff=Backoff(first_s=0.05))
    tasks = [
        await bench.task(saving, payload='{"good": 1}'),
        await bench.task(saving, payload='{"good": 0}', max_retries=0),
        await bench.task(failing),
        await bench.task(failing, payload='{"for_good": true}'),
    ]
    async with bench.running() as runner, asked(runner) as line:
        metrics = build_metrics(bench.db, RequestCounts(), line)
        await bench.ended(*tasks)
        await bench.until(lambda: settled(runner, 5, bench))
        found = await scraped(metrics)
    lane = "agent_execution"
    assert found["oppspot_tasks_total", lane, "counted_saving", "completed"] == 1
    assert found["oppspot_tasks_total", lane, "counted_saving", "failed"] == 1
    assert found["oppspot_tasks_total", lane, "sorry", "retried"] == 1
    assert found["oppspot_tasks_total", lane, "sorry", "completed"] == 1
    assert found["oppspot_saves_total", "counted_saving", "saved"] == 1
    assert found["oppspot_saves_total", "counted_saving", "failed"] == 1
    assert found["oppspot_errors_total", "sorry", "LookupError", "false"] == 1
    assert found["oppspot_errors_total", "sorry", "Fail", "true"] == 1
    assert found["oppspot_errors_total", "counted_saving", "SaveRefusedError", "true"] == 1
    assert found["oppspot_retries_total", "error"] == 1
    assert found["oppspot_settled_total", "written"] == 5
    results = {key[2]: value for key, value in found.items() if key[:2] == RESULTS_OF_SORRY}
    assert results == {"companies_found": 7, "share": 0.5}, "numbers above zero, and no truths"
    assert found["oppspot_task_duration_seconds_count", "sorry"] == 3
    assert found["oppspot_task_wait_seconds_count", lane] == 5
    assert found["oppspot_dead_letters",] == 2
    assert found["oppspot_runners", "running"] == 1
    assert found["oppspot_slots",] == found["oppspot_runner_slots",] == FAST.slots
    assert found["oppspot_queue_depth", "ready"] == 0
    assert found["oppspot_scrape_ok",] == 1
    known = {series for one in CATALOG for series in one.series}
    ours = {key[0] for key in found if key[0].startswith("oppspot_")}
    assert ours <= known


@asynccontextmanager
async def asked(runner: Runner) -> AsyncIterator[ReportLine]:
    """The line over which another process asks that runner."""
    ours, theirs = socket.socketpair()
    reporter: asyncio.Future[Reporter] = asyncio.get_running_loop().create_future()
    reporter.set_result(Reporter(runner))
    async with asyncio.TaskGroup() as group:
        group.create_task(answer_questions(ours, reporter))
        async with report_line(theirs) as line:
            yield line


RESULTS_OF_SORRY = ("oppspot_result_total", "sorry")


async def settled(runner: Runner, ends: int, bench: Bench) -> bool:
    return len(bench.happened(events.TaskFinished)) == ends


async def test_the_library_reads_both_forms_back(db: Database) -> None:
    metrics = build_metrics(db, RequestCounts())
    body, content_type = await metrics.scrape("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    families = list(openmetrics.text_string_to_metric_families(body.decode()))
    assert {"oppspot_scrape_ok", "oppspot_queue_depth"} <= {one.name for one in families}


async def test_a_database_that_is_slow_holds_up_no_scrape_and_is_asked_once(db: Database) -> None:
    gauges = FleetGauges(db, limit_s=0.2)
    async with db.transaction() as other:
        await other.execute("LOCK TABLE schedules IN ACCESS EXCLUSIVE MODE")
        async with asyncio.timeout(5):
            first, second = await asyncio.gather(gauges.samples(), gauges.samples())
            waiting = await db.fetch_one(
                "SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE '-- Gauges of%%'"
            )
    assert waiting is not None
    assert waiting["n"] <= 1
    for samples in (first, second):
        assert [(one.name, value) for one, _, value in samples] == [("oppspot_scrape_ok", 0.0)]
    # The first statement that finds the table free again reads it.
    async with asyncio.timeout(5):
        while len(found := list(await gauges.samples())) == 1:
            await asyncio.sleep(0)
    assert (found[0][0].name, found[0][2]) == ("oppspot_scrape_ok", 1.0)


async def test_a_reading_is_kept_for_a_while(db: Database) -> None:
    gauges = FleetGauges(db)
    await gauges.samples()
    await db.execute("INSERT INTO agent_tasks (task_type) VALUES ('x')")
    again = {(one.name, labels): value for one, labels, value in await gauges.samples()}
    assert again["oppspot_queue_depth", ("ready",)] == 0


def test_a_distribution_counts_each_value_in_its_bucket() -> None:
    found = Distribution()
    for value in (0, BUCKETS[0], BUCKETS[0] * 1.1, 1e9):
        found.add(value)
    cumulative = dict(found.cumulative())
    assert cumulative[str(BUCKETS[0])] == 2
    assert cumulative[str(BUCKETS[1])] == cumulative[str(BUCKETS[-1])] == 3
    assert cumulative["+Inf"] == 4


@pytest.mark.parametrize("most", [1, 3])
def test_labels_without_end_are_counted_together(most: int) -> None:
    counter = Counter(most)
    for number in range(10):
        counter.add((f"tool {number}", "ok"))
    assert len(counter.sums) == most + 1
    assert counter.sums["other", "other"] == 10 - most


def finished(task_type: str) -> events.TaskFinished:
    now = datetime.now(UTC)
    task = Task(
        id=uuid4(),
        run_token=1,
        attempt=1,
        execution_id=uuid4(),
        task_type=task_type,
        priority=5,
        retry_count=0,
        max_retries=3,
        crash_count=0,
        org_id=None,
        stream_id=None,
        run_id=None,
        agent=None,
        payload={},
        created_at=now,
        started_at=now,
        wait_ms=3,
    )
    return events.TaskFinished(task, Done(), "completed", 5)


def test_task_types_without_end_are_counted_together() -> None:
    counts = RunnerCounts(bus := EventBus())
    for number in range(MOST_KINDS + 5):
        bus.emit(finished(f"type {number}"))
    kinds = {
        labels: value for one, labels, value in counts.samples() if one.name == "oppspot_tasks"
    }
    assert len(kinds) == MOST_KINDS + 1
    assert kinds["other", "other", "completed"] == 5
