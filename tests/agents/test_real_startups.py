"""The three agents on a public list of 4,663 real startups, where somebody has it at hand.

OPPSPOT_STARTUPS names the file (its columns: company_name, status, tags, location, country,
team_size, website, linkedin_url ...). It is not part of the project.
"""

from __future__ import annotations

import ast
import csv
import os
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
