"""The scout in a real runner that asks made job boards, and is killed on its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from oppspot_runner.agents.company_run import ABREAST
from oppspot_runner.testing.world import Board, Content, Job, World
from oppspot_runner.testing.world.world import NOW
from tests.daemon.conftest import Fleet

COMPANIES = 50
SERVICES = ("greenhouse", "lever", "ashby")
ADD = """
    WITH s AS (INSERT INTO streams (name) VALUES ('s') RETURNING id), c AS (
        INSERT INTO companies (name) SELECT 'c' || n FROM generate_series(1, %s) n
        RETURNING id, name, substr(name, 2)::int AS n
    ), f AS (
        INSERT INTO facts (company_id, field, value, source, confidence, observed_at)
        SELECT id, 'job_board', jsonb_build_object('token', name,
            'service', (ARRAY['ashby', 'greenhouse', 'lever'])[n %% 3 + 1]), 'website', 1, now()
        FROM c)
    INSERT INTO stream_items (stream_id, company_id) SELECT s.id, c.id FROM s, c
"""


@pytest.fixture
def world() -> Iterator[World]:
    jobs = (Job("1", "Engineer", NOW - timedelta(days=1)),)
    boards = [
        Board(SERVICES[place % 3 - 1], f"c{place}", f"c{place}", jobs)
        for place in range(1, COMPANIES + 1)
    ]
    with World(Content(boards=boards)) as world:
        yield world


class Scouting:
    """A scout for companies that each offer one job."""

    def __init__(self, fleet: Fleet, world: World) -> None:
        self.fleet, self.world = fleet, world
        fleet.connection.execute(ADD, (COMPANIES,))
        self.agent = fleet.agent("scout_agent")
        fleet.connection.execute(
            "UPDATE ai_agents SET configuration = %s", ('{"sources": ["job_board"]}',)
        )

    def start(self) -> Any:
        return self.fleet.start(
            "--import", "tests.agents.generous_sources", **self.world.settings()
        )

    def output(self, task: Any) -> dict[str, Any]:
        self.fleet.until(lambda: self.fleet.status(task) in ("completed", "failed"), within_s=50)
        row = self.fleet.one("SELECT * FROM agent_tasks WHERE id = %s", (task,))
        assert (row["status"], row["retry_count"]) == ("completed", 0), row["error_message"]
        query = "SELECT output_data FROM agent_executions WHERE task_id = %s ORDER BY attempt"
        return dict(self.fleet.all(query, (task,))[-1]["output_data"])

    def counts(self) -> tuple[int, ...]:
        """How many signals there are, of how many companies, with how many jobs and insights."""
        row = self.fleet.one(
            "SELECT (SELECT count(*) FROM buying_signals) AS signals,"
            " (SELECT count(DISTINCT company_id) FROM buying_signals) AS companies,"
            " (SELECT count(*) FROM job_postings) AS jobs,"
            " (SELECT count(*) FROM stream_insights) AS insights"
        )
        return tuple(row.values())


@pytest.fixture
def scouting(fleet: Fleet, world: World) -> Scouting:
    return Scouting(fleet, world)


@pytest.mark.slow
def test_killed_on_its_way_it_loses_and_doubles_nothing(
    scouting: Scouting, world: World, fleet: Fleet
) -> None:
    world.fault("/lever/", times=ABREAST, delay_s=30)
    runner = scouting.start()
    task = fleet.task(scouting.agent)
    fleet.until(lambda: len(world.seen("/lever/")) == ABREAST)  # all that are on their way hang
    done = {one.path for one in world.log if not one.path.startswith("/lever/")}
    fleet.until(lambda: scouting.counts()[0] == len(done))
    runner.kill()
    runner.wait()
    hanging = {one.path for one in world.seen("/lever/")}
    scouting.start()
    output = scouting.output(task)
    assert scouting.counts() == (COMPANIES,) * 4
    assert (output["companies_checked"], output["new"]) == (COMPANIES, COMPANIES)
    shown = {one["company"] for one in output["new_signals"]}
    assert shown == {f"c{place}" for place in range(1, COMPANIES + 1)}
    asked = Counter(one.path for one in world.log)
    assert {path for path, times in asked.items() if times > 1} == hanging
    assert (len(asked), max(asked.values())) == (COMPANIES, 2)
    again = scouting.output(fleet.task(scouting.agent))
    assert (again["companies_checked"], again["api_calls"]) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_it_runs_elsewhere_as_in_the_runner_itself(
    scouting: Scouting, fleet: Fleet, isolation: str
) -> None:
    fleet.connection.execute(
        "UPDATE ai_agents SET configuration = configuration || jsonb_build_object("
        "'isolation', %s::text)",
        (isolation,),
    )
    scouting.start()
    output = scouting.output(fleet.task(scouting.agent))
    assert (output["companies_checked"], output["new"], output["errors"]) == (50, 50, {})
    assert scouting.counts() == (COMPANIES,) * 4
