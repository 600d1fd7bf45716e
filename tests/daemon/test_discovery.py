"""The opportunity bot in a real runner that asks a made register, whatever that answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from oppspot_runner.testing.world import World
from oppspot_runner.testing.world.content import Content, RegisteredCompany
from tests.daemon.conftest import Fleet

SEARCH = "/ch/advanced-search/companies"
GOAL = {"industry": ["SaaS"], "location": ["UK"]}
HTML = {"status": 200, "body": "<html>Bad gateway</html>"}


@pytest.fixture
def world() -> Iterator[World]:
    found = [RegisteredCompany(f"{place:08}", f"FOUND {place} LTD") for place in range(1, 13)]
    other = RegisteredCompany("00000099", "FARM LTD", sic_codes=("01110",))
    with World(Content(companies=[*found, other])) as world:
        yield world


def discover(
    fleet: Fleet, world: World, *, isolation: str = "inline"
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Lets the bot search for the goal; its output, and its attempts."""
    stream = fleet.one(
        "INSERT INTO streams (name, goal_criteria) VALUES ('s', %s) RETURNING id",
        (json.dumps(GOAL),),
    )["id"]
    task = fleet.one(
        "INSERT INTO agent_tasks (agent_id, stream_id) VALUES (%s, %s) RETURNING id",
        (fleet.agent("opportunity_bot"), stream),
    )["id"]
    fleet.connection.execute(
        "UPDATE ai_agents SET configuration = jsonb_build_object('isolation', %s::text)",
        (isolation,),
    )
    fleet.start("--import", "tests.agents.generous_sources", **world.settings())
    fleet.until(lambda: fleet.status(task) in ("completed", "failed"), within_s=50)
    row = fleet.one("SELECT * FROM agent_tasks WHERE id = %s", (task,))
    assert (row["status"], row["retry_count"]) == ("completed", 0), row["error_message"]
    attempts = fleet.all(
        "SELECT * FROM agent_executions WHERE task_id = %s ORDER BY attempt", (task,)
    )
    return attempts[-1]["output_data"], attempts


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_the_register_s_companies_become_items_of_the_stream(
    fleet: Fleet, world: World, isolation: str
) -> None:
    output, _ = discover(fleet, world, isolation=isolation)
    assert output["by_source"] == {"companies": 0, "companies_house": 12}
    assert (output["items_created"], output["api_calls"], output["partial"]) == (12, 1, False)
    numbers = [row["company_number"] for row in fleet.all("SELECT company_number FROM companies")]
    assert sorted(numbers) == [f"{place:08}" for place in range(1, 13)]
    (asked,) = world.seen(SEARCH)
    assert "company_status=active" in asked.query


@pytest.mark.slow
@pytest.mark.parametrize("fault", [{"status": 503, "times": 2}, {**HTML, "times": 1}])
def test_a_fault_that_passes_is_not_seen(fleet: Fleet, world: World, fault: Any) -> None:
    world.fault(SEARCH, **fault)
    output, attempts = discover(fleet, world)
    assert (output["items_created"], output["errors"], len(attempts)) == (12, {}, 1)


@pytest.mark.slow
def test_a_limit_puts_the_search_off(fleet: Fleet, world: World) -> None:
    world.fault(SEARCH, 429, headers={"Retry-After": "2"})
    output, attempts = discover(fleet, world)
    assert output["items_created"] == 12
    assert [bool(one["error_message"]) for one in attempts] == [True, False]
    assert "RATE_LIMIT_EXCEEDED" in attempts[0]["error_message"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 500}, "SOURCE_DOWN"),
        (HTML, "MALFORMED_ANSWER"),
        ({"status": 401}, "ACCESS_DENIED"),
        ({"status": 400}, "BAD_CALL"),
        ({"truncate": 20}, "MALFORMED_ANSWER"),
    ],
)
def test_a_register_that_fails_is_said_and_our_own_companies_are_searched(
    fleet: Fleet, world: World, fault: Any, code: str
) -> None:
    fleet.all(
        "INSERT INTO companies (name, country, industries) VALUES ('Own', 'GB', '{saas}')"
        " RETURNING id"
    )
    world.fault(SEARCH, **fault, times=None)
    output, _ = discover(fleet, world)
    assert (output["errors"], output["partial"]) == ({code: 1}, True)
    assert (output["by_source"], output["items_created"]) == ({"companies": 1}, 1)
    assert "companies_house" in output["skipped_sources"]
