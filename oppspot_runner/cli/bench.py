"""`bench`: throughput and latency of this installation."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from oppspot_runner.app.bench import ONE_BY_ONE, BenchResult, run_bench
from oppspot_runner.app.database import opened
from oppspot_runner.cli import output
from oppspot_runner.cli.session import json_option, load, runs
from oppspot_runner.db.pool import describe
from oppspot_runner.observe import logging

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command(epilog="Example: oppspot-runner bench --tasks 20000 --concurrency 200")
@click.option("--tasks", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True)
@click.option("--concurrency", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@runs
async def bench(tasks: int, concurrency: int, as_json: bool) -> None:
    """Measure what this server and this host give, with tasks that do nothing.

    Works in a schema of its own, which is dropped at the end, also after Ctrl-C; your tables are
    not touched. The runner is in this process.
    """
    settings = load()
    logging.set_up("console", "error")
    async with opened(settings) as database:
        output.warn(f"measuring on {describe(database.dsn)} ...")
        result = await run_bench(database, settings, tasks=tasks, concurrency=concurrency)
    if as_json:
        output.print_json(asdict(result))
    else:
        output.show(_table(result))


def _table(result: BenchResult) -> RenderableType:
    start = f"p50 {result.start_p50_ms:.1f} ms, p99 {result.start_p99_ms:.1f} ms"
    return output.fields(
        [
            (
                "throughput",
                f"{result.tasks_per_s:,.0f} tasks/s "
                f"({result.tasks:,} tasks, {result.concurrency} at the same time)",
            ),
            ("insert to start", f"{start} ({ONE_BY_ONE} tasks, one by one, an idle runner)"),
            ("claim", f"{result.claim_ms:.1f} ms in the server"),
            ("commit", f"{result.commit_ms:.1f} ms{'' if result.durable else ', not durable'}"),
            ("round trip", f"{result.round_trip_ms:.2f} ms"),
            ("server", result.server),
        ]
    )
