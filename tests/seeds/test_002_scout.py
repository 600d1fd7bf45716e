"""The second printed workflow of 002: the scout, made as it is printed, against a made world."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from oppspot_runner import AsyncClient
from oppspot_runner.agents.registry import registry as all_agents
from oppspot_runner.app.wiring import BUILT_IN
from oppspot_runner.db.pool import Database
from oppspot_runner.scheduler.schedules import find_schedule, run_now
from oppspot_runner.testing.world import Board, Content, Job, World
from oppspot_runner.testing.world.content import News, Page, RegisteredCompany, ShareIssue, Site
from tests.runner.conftest import Bench
from tests.streams.world import World as Rows

CONFIGURATION = {"signals": ["job_posting", "funding_round"], "threshold": 0.7}
IN_SQL = """
    INSERT INTO ai_agents (name, agent_type, schedule_cron, configuration)
    VALUES ('Daily Signal Scout', 'scout_agent', '0 9 * * *', '{
        "signals": ["job_posting", "funding_round"], "threshold": 0.7}') RETURNING id
"""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    now = datetime.now(UTC)
    since = now - timedelta(days=3)
    company = RegisteredCompany("00000001", "ALDER LTD", share_issues=(ShareIssue(since.date()),))
    news = (News(since, "Alder raises £3m"), News(since, "Alder opens an office in Leeds"))
    content = Content(
        companies=[company, replace(company, number="00000002", name="BIRCH LTD")],
        sites={"alder": Site({"/": Page("Alder")}, news=news)},
        boards=[Board("lever", "alder", "Alder", (Job("1", "Engineer", since),))],
    )
    for name in [one for one in os.environ if one.startswith("OPPSPOT_")]:
        monkeypatch.delenv(name)
    with World(content, now=now) as world:
        for name, value in world.settings().items():
            monkeypatch.setenv(name, value)
        yield world


async def companies(rows: Rows, world: World) -> None:
    """Two companies that issued shares; of one there is also news, and it looks for somebody."""
    stream_id = await rows.stream()
    feed = {"feed": f"{world.site_url('alder')}feed.xml"}
    alder = await rows.company("Alder", company_number="00000001", country="GB", links=feed)
    await rows.fact(alder, "job_board", {"service": "lever", "token": "alder"}, "website")
    birch = await rows.company("Birch", company_number="00000002", country="GB")
    for company_id in (alder, birch):
        await rows.item(stream_id, company_id)


async def scouted(db: Database, agent_id: Any) -> dict[str, Any]:
    """The output of a run that the agent's schedule starts."""
    all_agents.load_modules(BUILT_IN)
    bench = Bench(db, all_agents)
    task = await run_now(db, await find_schedule(db, agent_id, None))
    async with bench.running():
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    return dict((await bench.attempts(task))[-1]["output_data"])


@pytest.mark.parametrize("language", ["python", "sql"])
async def test_the_printed_scout_notices_jobs_and_funding_that_are_sure_enough(
    db: Database, world: World, language: str
) -> None:
    rows = Rows(db)
    await companies(rows, world)
    if language == "python":
        agent_id = await AsyncClient(db).create_agent(
            agent_type="scout_agent",
            name="Daily Signal Scout",
            schedule_cron="0 9 * * *",
            configuration=CONFIGURATION,
        )
    else:
        agent_id = (await rows.one(IN_SQL))["id"]
    output = await scouted(db, agent_id)
    new = {one["signal_type"]: one for one in output["new_signals"]}
    assert sorted(new) == ["funding_round", "job_posting"]
    assert {one["company"] for one in new.values()} == {"Alder"}
    assert (new["funding_round"]["confidence"], new["job_posting"]["confidence"]) == (92, 90)
    assert (output["new"], output["below_threshold"], output["errors"]) == (2, 1, {})
    doubted = await rows.one("SELECT * FROM buying_signals WHERE status = 'unconfirmed'")
    assert (doubted["signal_type"], doubted["confidence"]) == ("funding_round", 60)
    told = await rows.all("SELECT title FROM stream_insights WHERE kind = 'buying_signal'")
    assert len(told) == 2
