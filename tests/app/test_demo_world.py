"""The demo in the made world: over real HTTP, with what goes wrong there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from oppspot_runner.app.demo import Watcher
from oppspot_runner.app.demo_world import WorldDemoResult, run_world_demo
from oppspot_runner.base.runner_settings import PREFIX
from oppspot_runner.base.settings import load_settings
from oppspot_runner.db.pool import Database
from oppspot_runner.imports.csv_file import CsvFile
from oppspot_runner.testing.world import World
from oppspot_runner.testing.world.leads import write_leads

NOBODY = Watcher(lambda state: None, lambda rows: None)


@pytest.fixture
def world() -> Iterator[World]:
    with World(now=datetime.now(UTC)) as world:  # as the database has it
        yield world


async def played(db: Database, world: World, folder: Path) -> WorldDemoResult:
    leads = folder / "leads.csv"
    write_leads(world, leads)
    given = {name.removeprefix(PREFIX).lower(): value for name, value in world.settings().items()}
    settings = load_settings(log_level="error", **given)
    return await run_world_demo(db, settings, NOBODY, CsvFile(str(leads), label="leads"))


@pytest.mark.slow
async def test_it_finds_and_reads_companies_over_http_and_asks_nobody_twice(
    db: Database, world: World, tmp_path: Path
) -> None:
    result = await played(db, world, tmp_path)
    assert result.companies == 59
    assert result.items_created == result.enriched_count == result.scored == 5
    assert {row["source"] for row in result.sources} >= {"register", "accounts", "website"}
    known = {row["field"]: row for row in result.known}
    assert {"employees", "growth_rate", "tech"} <= set(known)
    assert known["tech"]["source_url"].startswith("http://")
    assert known["employees"]["source"] == "accounts"
    assert (result.requests_again, result.changed) == (0, 0)
    assert result.signals_found >= len(result.signals) > 3
    (urgent,) = result.critical  # by a fresh board and new shares
    assert urgent["name"] == "Harbour Ledger Limited"
    assert "issued shares" in urgent["because"][0]
    assert "New job" in urgent["because"][1]
    (draft,) = result.drafts
    assert draft["company"] == urgent["name"]
    assert "issued shares" in draft["body"]
    assert world.seen("/storage/")
    assert not any("authorization" in one.headers for one in world.seen("/storage/"))


@pytest.mark.slow
async def test_a_register_that_says_not_now_is_waited_for(
    db: Database, world: World, tmp_path: Path
) -> None:
    for path in ("/ch/company/", "/ch-doc/"):
        world.fault(path, status=429, headers={"Retry-After": "1"})
    result = await played(db, world, tmp_path)
    assert (result.enriched_count, result.scored) == (5, 5)
    row = await db.fetch_one("SELECT sum(retry_count) AS retries FROM agent_tasks")
    assert row is not None
    assert row["retries"] == 0
    assert (result.requests_again, result.changed) == (0, 0)


@pytest.mark.slow
async def test_where_the_register_knows_nobody_there_is_what_web_sites_say(
    db: Database, world: World, tmp_path: Path
) -> None:
    world.fault("/ch", status=404, times=None)
    result = await played(db, world, tmp_path)
    assert result.items_created == result.scored == 3  # the leads in Bristol
    assert {row["source"] for row in result.sources}.isdisjoint({"register", "accounts"})
    assert "website" in {row["source"] for row in result.sources}
