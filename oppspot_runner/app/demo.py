"""The whole product on real companies in a minute: import, a goal, four agents in a chain.

Everything is what a user would do: rows in tables, one INSERT, a real runner. Only the database is
the demo's own, a private Postgres in a folder of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from oppspot_runner.agents.registry import registry
from oppspot_runner.app.wiring import build_runner, load_agents, runner_config
from oppspot_runner.base.errors import OppspotError
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.cancelling import end_all
from oppspot_runner.db.files import statement
from oppspot_runner.db.migrate import migrate
from oppspot_runner.db.pool import Database
from oppspot_runner.db.sessions import OwnAsyncSession
from oppspot_runner.imports.pipeline import ImportProgress, run_import
from oppspot_runner.imports.source import Source
from oppspot_runner.queue import producer
from oppspot_runner.streams import assignments, directory
from oppspot_runner.streams.insights import InsightStore
from oppspot_runner.streams.items import ItemStore

PROGRESS = statement("demo/progress")

CHAIN = ("opportunity_bot", "enrichment_agent", "scoring_agent", "analyst")
BEST = ("{result.companies.0.name}", "{result.companies.1.name}", "{result.companies.2.name}")
# An agent of the type llm, whose model is a script: with `model` and a key it is a real one.
ANALYST: dict[str, Any] = {
    "model": "mock:script",
    "instructions": "Say in an insight which companies of the stream are the best.",
    "tools": ["company_search", "write_insight"],
    "script": [
        {
            "text": "First I look at what the stream has, best first. ",
            "calls": [{"name": "company_search", "arguments": {"in_stream": True}}],
        },
        {
            "text": f"{BEST[0]} has {{result.companies.0.score}} points, that is the most. ",
            "calls": [
                {
                    "name": "write_insight",
                    "arguments": {
                        "kind": "best_companies",
                        "title": f"{BEST[0]} fits the goal best, before {BEST[1]} and {BEST[2]}",
                        "evidence": {"companies": list(BEST)},
                    },
                }
            ],
        },
        {"text": "That is an insight of the stream now."},
    ],
}
LOOK_EVERY_S = 0.1
PAUSE_S = 1.0
TOP = 10
REASONS = 2


@dataclass(frozen=True)
class Play:
    """What a demo is about: what is wanted of companies, and the agents, of which one is first.

    `configurations` are those of agents of the chain that need one.
    """

    stream: str
    goal: Mapping[str, Any]
    target: Mapping[str, Any]
    chain: tuple[str, ...] = CHAIN
    configurations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


LISTED = Play(
    "Mid-size software firms and banks",
    goal={
        "industry": ["Software", "IT Services", "Banks"],
        "location": ["United Kingdom", "Germany", "France"],
        "employee_count": {"min": 1_000, "max": 50_000},
        "must": ["industry", "location"],
    },
    target={"companies_to_find": 50, "min_quality_score": 4.0},
)


@dataclass
class DemoResult:
    """What the demo found. `requests` went outside; `seconds` are from the import to the end."""

    companies: int = 0
    found: int = 0
    items_created: int = 0
    enriched_count: int = 0
    scored: int = 0
    requests: int = 0
    insight: str = ""
    seconds: float = 0.0
    top: list[dict[str, Any]] = field(default_factory=list)
    stream_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The result as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Watcher:
    """What the demo tells while it goes on."""

    on_import: Callable[[ImportProgress], None]
    on_agents: Callable[[list[dict[str, Any]]], None]


async def run_demo(
    database: Database, settings: Settings, watcher: Watcher, source: Source, play: Play = LISTED
) -> DemoResult:
    """Imports, starts the chain with one INSERT, runs it, and reads the best.

    Raises OppspotError when an agent of the chain failed.
    """
    await migrate(database)
    started = time.monotonic()
    report = await run_import(database, source, on_progress=watcher.on_import)
    stream_id = await _start(database, play)
    outputs = await run_chain(database, settings, stream_id, watcher)
    result = _result(outputs)
    result.companies = report.inserted + report.updated + report.unchanged
    result.stream_id = str(stream_id)
    result.insight = (await InsightStore(database, None, stream_id).newest(1))[0]["title"]
    result.top = [_shown(row) for row in await ItemStore(database, None, stream_id).top(TOP)]
    result.seconds = round(time.monotonic() - started, 2)
    return result


async def _start(database: Database, play: Play) -> UUID:
    session = OwnAsyncSession(database, opened=True)
    stream_id = await session.run(
        directory.create_stream(play.stream, goal_criteria=play.goal, target_metrics=play.target)
    )
    configurations = {"analyst": ANALYST, **play.configurations}
    agents = [
        await session.run(
            directory.create_agent(
                agent_type="llm" if name == "analyst" else name,
                name=name,
                configuration=configurations.get(name),
            )
        )
        for name in play.chain
    ]
    chain = [
        {"agent_id": agent, "depends_on_agent_ids": agents[max(place - 1, 0) : place]}
        for place, agent in enumerate(agents)
    ]
    await session.run(assignments.assign_agents_to_stream(stream_id, chain))
    await session.run(producer.enqueue(agents[0], stream_id=stream_id, requested_by="demo"))
    return stream_id


async def play_again(
    database: Database, settings: Settings, stream_id: UUID, watcher: Watcher
) -> dict[str, dict[str, Any]]:
    """Starts the chain of a demo once more, and answers as run_chain."""
    session = OwnAsyncSession(database, opened=True)
    bot = await session.run(directory.find_agent(CHAIN[0]))
    await session.run(producer.enqueue(bot, stream_id=stream_id, requested_by="demo"))
    return await run_chain(database, settings, stream_id, watcher)


async def run_chain(
    database: Database, settings: Settings, stream_id: UUID, watcher: Watcher
) -> dict[str, dict[str, Any]]:
    """Runs what waits, and reads what each agent of the last run of the stream put out.

    Raises OppspotError when one of them failed.
    """
    load_agents(registry, settings)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_watch(database, stream_id, watcher))
        try:
            rows = await _run(database, settings, stream_id)
            while any(row["run"] == "running" for row in rows):  # an agent waits for its turn
                await asyncio.sleep(PAUSE_S)
                rows = await _run(database, settings, stream_id)
        finally:
            await end_all([watching])
    watcher.on_agents(rows)
    for row in rows:
        if row["node"] != "completed":
            raise OppspotError(f"{row['name']} did not complete: {row['error'] or row['node']}")
    return {row["name"]: row["output"] or {} for row in rows}


async def _run(database: Database, settings: Settings, stream_id: UUID) -> list[dict[str, Any]]:
    """Runs all that is due, and says where the agents are then."""
    config = replace(runner_config(settings), drain_and_exit=True)
    await build_runner(database, config, settings=settings).run()
    return await _look(database, stream_id)


async def _watch(database: Database, stream_id: UUID, watcher: Watcher) -> None:
    while True:
        watcher.on_agents(await _look(database, stream_id))
        await asyncio.sleep(LOOK_EVERY_S)


async def _look(database: Database, stream_id: UUID) -> list[dict[str, Any]]:
    return await database.fetch_all(PROGRESS, {"stream_id": stream_id})


def _result(outputs: Mapping[str, dict[str, Any]]) -> DemoResult:
    bot = outputs["opportunity_bot"]
    return DemoResult(
        found=bot["companies_found"],
        items_created=bot["items_created"],
        enriched_count=outputs["enrichment_agent"]["enriched_count"],
        scored=outputs["scoring_agent"]["items_updated"],
        requests=api_calls(outputs),
    )


def api_calls(outputs: Mapping[str, dict[str, Any]]) -> int:
    """How many requests the agents of a run made to the outside."""
    return sum(output.get("api_calls", 0) for output in outputs.values())


def telling(reason: dict[str, Any]) -> tuple[bool, bool, float]:
    """Sorts the reasons of a score, what tells a person most first.

    What the goal asked for says more than how complete our data is. Of that, what is met, and what
    the goal weighs most; the points would also count how sure we are of it, and an industry
    concluded from a tag never gets all of them.
    """
    return reason["component"] != "criteria", not reason["points"], -reason["max"]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    best = sorted(row["score_reasons"] or [], key=telling)[:REASONS]
    return {
        "name": row["name"],
        "country": row["country"],
        "employees": row["employees"],
        "score": float(row["quality_score"]),
        "priority": row["priority"],
        "reasons": [reason["text"] for reason in best],
    }


def demo_folder(embedded_folder: Path) -> Path:
    """Where the demo keeps its private Postgres: beside the ordinary one."""
    return embedded_folder.with_name("demo")
