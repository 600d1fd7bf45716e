"""The three agents on a public list of 4,663 real startups, where somebody has it at hand.

OPPSPOT_STARTUPS names the file (its columns: company_name, status, tags, location, country,
team_size, website, linkedin_url ...). It is not part of the project.
"""

from __future__ import annotations

import ast
import asyncio
import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oppspot_runner.agents.enrichment import EnrichmentAgent
from oppspot_runner.agents.opportunity_bot import OpportunityBot
from oppspot_runner.agents.scoring import ScoringAgent
from oppspot_runner.imports.csv_file import CsvFile
from oppspot_runner.imports.pipeline import run_import
from tests.agents.recompute import recompute
from tests.agents.startups import GOAL, METRICS
from tests.streams.world import World

FILE = os.environ.get("OPPSPOT_STARTUPS", "")
TAGS = {
    *("saas", "b2b-saas", "enterprise-software"),
    *("fintech", "payments", "neobank", "banking-as-a-service", "insurtech", "crypto-web3"),
    *("lending", "finance"),
}
BY_HAND = Path(__file__).with_name("real_startups.tsv")
FACTS = """
    SELECT c.name, f.field, f.value, f.source, round(f.confidence::numeric, 2)::float8 AS confidence
    FROM stream_items i JOIN companies c ON c.id = i.company_id
    JOIN stated_facts f ON f.company_id = c.id
    WHERE i.stream_id = %s AND f.field = ANY (%s)
"""
ITEMS = """
    SELECT c.name, i.* FROM stream_items i JOIN companies c ON c.id = i.company_id
    WHERE i.stream_id = %s ORDER BY i.position
"""

pytestmark = pytest.mark.skipif(not FILE, reason="OPPSPOT_STARTUPS is not set")


def counted_by_hand() -> tuple[set[str], set[str]]:
    """Who fits with every value known, and who fits as far as is known, from the file alone."""
    known, unknown = set(), set()
    for row in csv.DictReader(Path(FILE).read_text(encoding="utf-8").splitlines(keepends=True)):
        if row["country"] not in ("GB", "IE") or row["status"] == "Inactive":
            continue
        tags = set(ast.literal_eval(row["tags"] or "[]"))
        people = float(row["team_size"] or 0)
        if (tags and not tags & TAGS) or (people and not 10 <= people <= 500):
            continue
        (known if tags and people else unknown).add(row["company_name"])
    return known, unknown


def facts_by_hand() -> Iterator[tuple[str, str, Any, str, float]]:
    """Company, field, value, source and confidence: ten facts of each, fewer where unknown."""
    lines = [line for line in BY_HAND.read_text().splitlines() if not line.startswith("#")]
    for row in csv.DictReader(lines, delimiter="\t"):
        known = {field: value for field, value in row.items() if value != "-"}
        name, site = known["name"], known["website"]
        stated = {
            "status": known["status"],
            "country": "GB",
            "town": known.get("town"),
            "employees": int(known.get("employees", 0)) or None,
            "founded_year": int(known.get("founded", 0)) or None,
            "industries": known.get("industries", "").split() or None,
            "website": site if "://" in site else f"https://{site}",
            "domain": known["domain"],
            "linkedin_url": known.get("linkedin"),
        }
        if stated["linkedin_url"]:
            stated["linkedin_url"] = f"https://www.linkedin.com/company/{stated['linkedin_url']}"
        for field, value in stated.items():
            if value is not None:
                yield name, field, value, "import:csv", 0.6
        if "band" in known:
            yield name, "employees_band", known["band"], "size_band", 0.6


async def chained(world: World) -> tuple[Any, list[dict[str, Any]]]:
    await run_import(world.db, CsvFile(FILE))
    stream_id = await world.stream(GOAL, METRICS)
    for kind in (OpportunityBot, EnrichmentAgent, ScoringAgent):
        await world.run(kind, stream_id)
    return stream_id, await world.all(ITEMS, stream_id)


async def test_exactly_those_who_fit_are_found_and_the_unknown_ones_stand_below(
    world: World,
) -> None:
    known, unknown = counted_by_hand()
    assert (len(known), unknown) == (21, {"Minimum", "Songkick"})
    stream_id, rows = await chained(world)
    assert {row["name"] for row in rows[:21]} == known
    assert {row["name"] for row in rows[21:]} == unknown
    assert rows[20]["quality_score"] > rows[21]["quality_score"]
    assert rows[20]["score_confidence"] > rows[21]["score_confidence"]
    assert [row["position"] for row in rows] == list(range(1, 24))
    again = await recompute(world, stream_id)
    for row in rows:
        assert float(row["quality_score"]) == pytest.approx(again[row["company_id"]], abs=0.01)


async def test_a_second_chain_changes_nothing(world: World) -> None:
    stream_id, rows = await chained(world)
    for kind in (OpportunityBot, EnrichmentAgent, ScoringAgent):
        await world.run(kind, stream_id)
    assert await world.all(ITEMS, stream_id) == rows


async def test_ten_facts_of_each_are_those_that_were_written_down_by_hand(world: World) -> None:
    wanted = sorted(facts_by_hand())
    stream_id, _ = await chained(world)
    rows = await world.all(FACTS, stream_id, sorted({field for _, field, *_ in wanted}))
    fields = ("name", "field", "value", "source", "confidence")
    assert sorted(tuple(row[field] for field in fields) for row in rows) == wanted


async def test_two_imports_and_two_chains_at_once_leave_what_one_leaves(world: World) -> None:
    await asyncio.gather(*[run_import(world.db, CsvFile(FILE)) for _ in range(2)])
    assert (await world.one("SELECT count(*) FROM companies"))["count"] == 4_663
    stream_id = await world.stream(GOAL, METRICS)
    for kind in (OpportunityBot, EnrichmentAgent, ScoringAgent):
        await asyncio.gather(world.run(kind, stream_id), world.run(kind, stream_id))
    rows = await world.all(ITEMS, stream_id)
    assert [row["position"] for row in rows] == list(range(1, 24))
    assert len({row["company_id"] for row in rows}) == 23
    alone = await world.stream(GOAL, METRICS)
    for kind in (OpportunityBot, EnrichmentAgent, ScoringAgent):
        await world.run(kind, alone)
    told = ("name", "position", "quality_score", "score_confidence", "priority")
    assert [[row[one] for one in told] for row in rows] == [
        [row[one] for one in told] for row in await world.all(ITEMS, alone)
    ]
