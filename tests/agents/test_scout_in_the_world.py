"""The scout with all its watchers, in the made world, over days."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.agents.scout import ScoutAgent
from oppspot_runner.db.pool import Database
from oppspot_runner.testing.world import (
    Content,
    News,
    Officer,
    Page,
    RegisteredCompany,
    ShareIssue,
    Site,
)
from oppspot_runner.testing.world import World as Outside
from tests.agents.looking import Looker, looking
from tests.streams.world import World, begin, finish

DAY = timedelta(days=1)
NUMBER, NAME, SITE = "01234567", "Harbour Ledger Ltd", "harbourledger"


def outside(now: datetime) -> Outside:
    """One company: shares and a director on the first day, news of both on the second."""
    today = now.date()
    registered = RegisteredCompany(
        NUMBER,
        NAME,
        share_issues=(ShareIssue(today - 300 * DAY, "1,000"), ShareIssue(today + DAY, "1,600")),
        officers=(Officer("SMITH, Ada", appointed=today + DAY),),
    )
    told = News(now + 2 * DAY, "Harbour Ledger appoints Ada Smith as CEO")
    press = News(now + 2 * DAY, "Harbour Ledger raises £5m Series A")
    site = Site({"/": Page("<h1>Harbour Ledger</h1>")}, news=[told])
    feeds = {"press": [press]}
    return Outside(Content(companies=[registered], sites={SITE: site}, feeds=feeds), now=now)


async def scout(world: World, looker: Looker, stream_id: UUID, feed: str) -> dict[str, Any]:
    """A run on the day of the outside world."""
    now = looker.world.clock.now
    web = looker.context().http
    config = {"feeds": [feed]}
    ctx = await world.context(ScoutAgent, stream_id, config=config, force=True, web=web)
    ctx = replace(ctx, task=replace(ctx.task, started_at=now, created_at=now))
    return await finish(world.db, *await begin(ScoutAgent, ctx))


@pytest.mark.slow
async def test_each_day_has_its_signals_and_two_sources_of_one_round_make_it_sure(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(db)
    now = (await world.one("SELECT oppspot_now() AS now"))["now"]
    days = []
    with outside(now) as around:
        stream_id = await world.stream()
        links = {"feed": f"{around.site_url(SITE)}feed.xml"}
        company = await world.company(NAME, company_number=NUMBER, country="GB", links=links)
        await world.item(stream_id, company)
        async with looking(around, monkeypatch) as looker:
            for _ in range(4):
                results = await scout(world, looker, stream_id, f"{around.url}/feed/press")
                assert results["errors"] == {}
                new = [(one["signal_type"], one["confidence"]) for one in results["new_signals"]]
                days.append((sorted(new), results["below_threshold"]))
                around.clock.advance(DAY)
    assert days == [
        ([], 0),
        ([("executive_change", 95)], 1),  # shares alone are not sure enough
        ([("funding_round", 84)], 0),
        ([], 0),
    ]
    rows = await world.all(
        "SELECT signal_type, strength, confidence, status FROM buying_signals ORDER BY signal_type"
    )
    assert rows == [
        {"signal_type": kind, "strength": "strong", "confidence": sure, "status": "active"}
        for kind, sure in (("executive_change", 99), ("funding_round", 84))
    ]
