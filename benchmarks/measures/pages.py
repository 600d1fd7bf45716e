"""What each page and each list costs an installation of size, by who asks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from statistics import median
from typing import Any

import httpx2
import structlog

from benchmarks import installation, product
from benchmarks.bench import Bench
from benchmarks.measure import Bound, Measure, Outcome
from oppspot_runner.agents.registry import Registry
from oppspot_runner.api.application import build_application
from oppspot_runner.api.openapi import Application
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database

ASKERS = {
    "an operator": None,
    "the largest organisation": installation.LARGEST,
    "a small organisation": installation.SMALL,
}
TIMES, SHOWN, OK = 3, 5, 200
ENDLESS = ("/events", "/changes")


def run(bench: Bench) -> Outcome:
    """Every address that can be read, as an operator and for two organisations."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with product.database(bench.server) as dsn:
        installation.fill(dsn, bench.sizes.pages, bench.sizes.items)
        return asyncio.run(_ask_all(dsn))


async def _ask_all(dsn: str) -> Outcome:
    outcome = Outcome()
    async with Database(dsn) as database:
        app = build_application(ApiState(database, Settings(_env_file=None), Registry()))
        for who, organisation in ASKERS.items():
            secret = installation.token(dsn, organisation)
            known = installation.ids(dsn, organisation or installation.LARGEST)
            took = {path: ms async for path, ms in _pages(app, secret, list(_paths(app, known)))}
            slowest = sorted(took, key=lambda path: -took[path])
            outcome.figures[f"{who}: pages"] = len(took)
            outcome.figures[f"{who}: slowest ms"] = took[slowest[0]]
            outcome.figures |= {f"{who}: {path} ms": took[path] for path in slowest[:SHOWN]}
            outcome.samples[f"{who}: ms"] = [took[path] for path in slowest]
    return outcome


def _paths(app: Application, known: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for route in app.known:
        if "GET" in (route.methods or ()) and not route.path.endswith(ENDLESS):
            try:
                yield route.path, route.path.format_map(known)
            except KeyError:  # what is not made here
                continue


async def _pages(
    app: Application, secret: str, paths: list[tuple[str, str]]
) -> AsyncIterator[tuple[str, float]]:
    transport = httpx2.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as client:
        for route, path in paths:
            took, statuses = [], set()
            for _ in range(TIMES):
                began = time.perf_counter()
                statuses.add((await client.get(path)).status_code)
                took.append(1_000 * (time.perf_counter() - began))
            if statuses == {OK}:
                yield route, median(took)


MEASURE = Measure(
    "pages",
    "every page and list of HTTP, of an installation with a million tasks",
    run,
    tuple(Bound(f"{who}: slowest ms", at_most=300) for who in ASKERS),
)
