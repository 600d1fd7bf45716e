"""The demo that asks an outside world, twice: companies, facts, signals, scores and a draft.

Which world that is, the settings say. The second time nothing is to be asked and nothing to change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from oppspot_runner.app.demo import (
    DemoResult,
    Play,
    Watcher,
    api_calls,
    play_again,
    run_demo,
)
from oppspot_runner.base.settings import Settings
from oppspot_runner.companies.company import Fact
from oppspot_runner.companies.scoring_parts import Signal
from oppspot_runner.db.pool import Database
from oppspot_runner.imports.source import Source
from oppspot_runner.streams import draft_decisions
from oppspot_runner.streams.companies import CompanyStore
from oppspot_runner.streams.items import ItemStore
from oppspot_runner.streams.signals import SignalStore

# Few enough that all their calls of the register are made at once. Nobody is urgent without money.
WORLD = Play(
    "Software and hosting in Bristol",
    goal={
        "industry": ["software", "hosting"],
        "location": ["Bristol"],
        "employee_count": {"min": 20, "max": 500},
        "must": ["industry", "location"],
    },
    target={
        "companies_to_find": 20,
        "min_quality_score": 2.5,
        "required_signals": ["funding_round"],
    },
    chain=(
        *("opportunity_bot", "enrichment_agent", "scout_agent"),
        *("scoring_agent", "writer_agent", "analyst"),
    ),
    configurations={
        "writer_agent": {
            "sender": {
                "name": "Jane Roe",
                "company": "Northwind",
                "url": "https://northwind.example",
                "offer": "a payroll service that closes the month in a day",
            }
        }
    },
)
MOST_SIGNALS = 10
MOST = 100  # more than the target
SHOWN = ("employees", "growth_rate", "status", "sic_codes", "tech", "linkedin_url", "phone")


@dataclass
class WorldDemoResult(DemoResult):
    """What the demo found outside.

    `sources` is who stated which fields of how many companies of the stream, `known` what is known
    of the company `known_of`, and who says so; `signals` are the newest of `signals_found`,
    `critical` the companies that are urgent by them, `drafts` what was written to the best. In the
    second run `requests_again` were made, and it left `changed` places of the stream and drafts
    otherwise than it found them.
    """

    requests_again: int = 0
    changed: int = 0
    sources: list[dict[str, Any]] = field(default_factory=list)
    known_of: str = ""
    known: list[dict[str, Any]] = field(default_factory=list)
    signals_found: int = 0
    signals: list[dict[str, Any]] = field(default_factory=list)
    critical: list[dict[str, Any]] = field(default_factory=list)
    drafts: list[dict[str, Any]] = field(default_factory=list)


async def run_world_demo(
    database: Database, settings: Settings, watcher: Watcher, source: Source
) -> WorldDemoResult:
    """Runs the chain of the demo over the sources of `settings`, then once more.

    Raises OppspotError when an agent failed.
    """
    result = WorldDemoResult(**asdict(await run_demo(database, settings, watcher, source, WORLD)))
    stream_id = UUID(result.stream_id)
    items = ItemStore(database, None, stream_id)
    before = await items.top(MOST)
    names = {row["company_id"]: row["name"] for row in before}
    facts = await CompanyStore(database, None).facts(list(names))
    result.sources = _by_source(facts)
    for row in before:  # the first of those of whom most is known
        if len(known := _best_of(facts.get(row["company_id"], ()))) > len(result.known):
            result.known_of, result.known = row["name"], known
    signals = _newest(await SignalStore(database, None).of(list(names)), names)
    result.signals_found, result.signals = len(signals), signals[:MOST_SIGNALS]
    result.critical = [_urgent(row) for row in before if row["priority"] == "critical"]
    result.drafts = await _drafts(database, stream_id)
    outputs = await play_again(database, settings, stream_id, watcher)
    result.requests_again = api_calls(outputs)
    drafts_again = await _drafts(database, stream_id)
    result.changed = _differences(before, await items.top(MOST))
    result.changed += sum(one not in result.drafts for one in drafts_again)
    return result


def _urgent(row: dict[str, Any]) -> dict[str, Any]:
    """A company, and the signals that count most for it."""
    told = [one["text"] for one in row["score_reasons"] if one["component"] == "signals"]
    return {"name": row["name"], "score": float(row["quality_score"]), "because": told}


async def _drafts(database: Database, stream_id: UUID) -> list[dict[str, Any]]:
    """The drafts of the stream that wait for somebody to read them, the newest first."""
    rows = await draft_decisions.list_drafts(
        database, stream_id=stream_id, status="draft", limit=MOST
    )
    shown = [await draft_decisions.show(database, row["id"]) for row in rows]
    return [{name: row[name] for name in ("company", "subject", "body")} for row in shown]


def _newest(
    signals: Mapping[UUID, Sequence[Signal]], names: Mapping[UUID, str]
) -> list[dict[str, Any]]:
    """What was seen of companies, the newest first."""
    seen = [(one, names[company_id]) for company_id, some in signals.items() for one in some]
    seen.sort(key=lambda pair: (-pair[0].occurred_at.timestamp(), pair[1], pair[0].text))
    return [
        {
            "company": name,
            "signal_type": one.type,
            "title": one.text,
            "source": one.source,
            "on": one.occurred_at.date().isoformat(),
        }
        for one, name in seen
    ]


def _by_source(facts: Mapping[UUID, Iterable[Fact]]) -> list[dict[str, Any]]:
    """Who said how much, those who said most first."""
    companies: dict[str, set[UUID]] = defaultdict(set)
    fields: dict[str, set[str]] = defaultdict(set)
    for company_id, stated in facts.items():
        for one in stated:
            companies[one.source].add(company_id)
            fields[one.source].add(one.field)
    return [
        {"source": name, "companies": len(companies[name]), "fields": sorted(fields[name])}
        for name in sorted(fields, key=lambda one: (-len(fields[one]), one))
    ]


def _best_of(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Of each field that is shown the fact that is trusted most."""
    best: dict[str, Fact] = {}
    for one in sorted(facts, key=lambda fact: fact.confidence):
        best[one.field] = one
    return [
        {"field": name, "value": best[name].value, "source": best[name].source}
        | {"source_url": best[name].source_url}
        for name in SHOWN
        if name in best
    ]


def _differences(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> int:
    """How many places of the stream are not as they were."""
    kept = ("company_id", "position", "quality_score", "priority", "employees")
    old, new = ([tuple(row[name] for name in kept) for row in rows] for rows in (before, after))
    return len(set(old) ^ set(new))
