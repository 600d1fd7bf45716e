"""The enrichment agent in a real runner that asks a made world, and is killed on its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from oppspot_runner.agents.company_run import ABREAST
from oppspot_runner.testing.world import World
from oppspot_runner.testing.world.content import Accounts, Content, Officer, RegisteredCompany
from tests.daemon.conftest import Fleet

COMPANIES, KILLED_AT = 50, 30
CALLS_OF_EACH = 5  # profile, officers, filing history, metadata, document
STORAGE = "/storage/"  # where the register sends who asks for a document
ADD = """
    WITH s AS (INSERT INTO streams (name) VALUES ('s') RETURNING id), c AS (
        INSERT INTO companies (name, company_number, country)
        SELECT 'Company ' || n || ' Ltd', lpad(n::text, 8, '0'), 'GB'
        FROM generate_series(1, %s) n RETURNING id, company_number)
    INSERT INTO stream_items (stream_id, company_id, position)
    SELECT s.id, c.id, c.company_number::int FROM s, c RETURNING stream_id
"""
DONE = """
    SELECT coalesce(sum((result -> 'counts' ->> 'items')::int), 0) AS n
    FROM agent_steps WHERE name = 'enriched'
"""
ATTEMPTS = "SELECT * FROM agent_executions WHERE task_id = %s ORDER BY attempt"


def number(place: int) -> str:
    return f"{place:08}"


def registered(place: int) -> RegisteredCompany:
    accounts = [Accounts(date(year, 3, 31), date(year, 9, 1), 10 + place) for year in (2026, 2025)]
    return RegisteredCompany(
        number(place),
        f"COMPANY {place} LTD",
        officers=(Officer("SMITH, Ada"),),
        accounts=tuple(accounts),
    )


@pytest.fixture
def world() -> Iterator[World]:
    companies = [registered(place) for place in range(1, COMPANIES + 1)]
    with World(Content(companies=companies)) as world:
        yield world


class Enrichment:
    """A stream of the companies that the world's register knows, and an agent for it."""

    def __init__(self, fleet: Fleet, world: World) -> None:
        self.fleet, self.world = fleet, world
        self.stream = fleet.all(ADD, (COMPANIES,))[0]["stream_id"]
        self.agent = fleet.agent("enrichment_agent")

    def start(self) -> Any:
        return self.fleet.start(
            "--import", "tests.agents.generous_sources", **self.world.settings()
        )

    def task(self) -> Any:
        return self.fleet.one(
            "INSERT INTO agent_tasks (agent_id, stream_id) VALUES (%s, %s) RETURNING id",
            (self.agent, self.stream),
        )["id"]

    def output(self, task: Any) -> dict[str, Any]:
        self.fleet.until(lambda: self.fleet.status(task) in ("completed", "failed"), within_s=50)
        row = self.fleet.one("SELECT * FROM agent_tasks WHERE id = %s", (task,))
        assert (row["status"], row["retry_count"]) == ("completed", 0), row["error_message"]
        return dict(self.fleet.all(ATTEMPTS, (task,))[-1]["output_data"])

    def asked(self) -> Counter[str]:
        """How often each thing of the register was asked for."""
        return Counter(one.path for one in self.world.log if not one.path.startswith(STORAGE))


@pytest.fixture
def enrichment(fleet: Fleet, world: World) -> Enrichment:
    return Enrichment(fleet, world)


@pytest.mark.slow
def test_killed_at_company_30_it_goes_on_there_and_asks_nobody_twice(
    enrichment: Enrichment, world: World, fleet: Fleet
) -> None:
    world.fault("/ch/company/0000003", times=ABREAST, delay_s=30)
    runner = enrichment.start()
    task = enrichment.task()
    fleet.until(lambda: fleet.one(DONE)["n"] == KILLED_AT - 1)
    fleet.until(lambda: len(world.seen("/ch/company/0000003")) == ABREAST)  # all of them hang
    runner.kill()
    runner.wait()
    before = enrichment.asked()
    enrichment.start()
    output = enrichment.output(task)
    asked = enrichment.asked()
    assert (output["items_updated"], output["enriched_count"]) == (COMPANIES, COMPANIES)
    assert output["by_provider"]["accounts"] == {"ok": COMPANIES}
    for place in range(1, KILLED_AT):
        path = f"/ch/company/{number(place)}"
        assert asked[path] == before[path] == 1
    again = {path for path, times in asked.items() if times > 1}
    on_their_way = {path for path in before if path >= f"/ch/company/{number(KILLED_AT)}"}
    assert again <= on_their_way
    assert max(asked.values()) <= 2
    assert len(asked) == COMPANIES * CALLS_OF_EACH
    second = enrichment.output(enrichment.task())
    assert (second["items_updated"], second["api_calls"]) == (0, 0)
    assert second["skipped_fresh"] == COMPANIES
    assert enrichment.asked() == asked


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_it_runs_elsewhere_as_in_the_runner_itself(
    enrichment: Enrichment, fleet: Fleet, isolation: str
) -> None:
    fleet.connection.execute(
        "UPDATE ai_agents SET configuration = jsonb_build_object('isolation', %s::text)",
        (isolation,),
    )
    enrichment.start()
    output = enrichment.output(enrichment.task())
    assert (output["items_updated"], output["errors"]) == (COMPANIES, {})
    assert output["by_provider"]["accounts"] == {"ok": COMPANIES}
    assert output["insights"] != []


@pytest.mark.slow
def test_a_429_in_the_middle_puts_the_task_off_and_it_finishes(
    enrichment: Enrichment, world: World, fleet: Fleet
) -> None:
    path = f"/ch/company/{number(20)}"
    world.fault(path, 429, times=1, headers={"Retry-After": "3"})
    enrichment.start()
    task = enrichment.task()
    output = enrichment.output(task)
    assert (output["items_updated"], output["errors"], output["partial"]) == (50, {}, False)
    attempts = fleet.all(ATTEMPTS, (task,))
    assert len(attempts) == 2
    assert "RATE_LIMIT_EXCEEDED" in attempts[0]["error_message"]
    assert [one for one in enrichment.asked().items() if one[1] > 1] == [(path, 2)]


@pytest.mark.slow
def test_a_register_that_is_down_leaves_the_rest_of_the_run_whole(
    enrichment: Enrichment, world: World
) -> None:
    world.fault("/ch/", 503, times=None)
    enrichment.start()
    output = enrichment.output(enrichment.task())
    assert (output["items_updated"], output["partial"]) == (COMPANIES, True)
    assert set(output["errors"]) == {"SOURCE_DOWN"}
    assert output["by_provider"]["size_band"] == {"not_found": COMPANIES}
    assert len(world.log) < 60  # its breaker spares it
    world.reset()
