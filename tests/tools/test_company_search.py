"""`company_search`: what the task's organisation may see, and nothing else."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner import Context
from oppspot_runner.tools.company_search import CompanySearchTool
from tests.runner.conftest import Bench

COMPANIES = """
INSERT INTO companies (org_id, name, name_norm, country, industries, employees, description)
SELECT o.id, n.name, lower(n.name), n.country, n.industries::text[], n.employees, n.description
FROM (VALUES
    (NULL, 'Acme Software', 'GB', '{software}', 40, 'Tools for builders'),
    ('ours', 'Acme Biotech', 'DE', '{biotechnology}', 400, NULL),
    ('theirs', 'Acme Secrets', 'GB', '{software}', 40, 'Nobody else knows of it'),
    (NULL, 'Builders United', 'GB', '{construction}', NULL, NULL)
) AS n (owner, name, country, industries, employees, description)
LEFT JOIN organizations o ON o.name = n.owner
"""


@pytest.fixture
async def ours(bench: Bench) -> UUID:
    for name in ("ours", "theirs"):
        await bench.db.execute("INSERT INTO organizations (name) VALUES (%s)", (name,))
    await bench.db.execute(COMPANIES)
    row = await bench.db.fetch_one("SELECT id FROM organizations WHERE name = 'ours'")
    assert row is not None
    found: UUID = row["id"]
    return found


async def searched(bench: Bench, org_id: UUID, wanted: list[Any], **columns: Any) -> list[Any]:
    """What each search of a task of that organisation finds."""

    async def searching(ctx: Context) -> dict[str, Any]:
        found = [await ctx.tools.result("company_search", one) for one in wanted]
        return {"found": found}

    agent = await bench.agent(searching, configuration='{"tools": ["company_search"]}')
    async with bench.running():
        task = await bench.task(agent, org_id=org_id, **columns)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    found: list[Any] = (await bench.attempts(task))[-1]["output_data"]["found"]
    return found


def names(page: dict[str, Any]) -> list[str]:
    return [one["name"] for one in page["companies"]]


async def test_words_countries_industries_and_sizes(bench: Bench, ours: UUID) -> None:
    wanted = [
        {},
        {"query": "acme"},
        {"query": "builders"},
        {"country": "gb"},
        {"industry": "Software"},
        {"min_employees": 100, "max_employees": 500},
        {"query": "secrets"},
    ]
    pages = await searched(bench, ours, wanted)
    assert [names(page) for page in pages] == [
        ["Acme Biotech", "Acme Software", "Builders United"],
        ["Acme Biotech", "Acme Software"],
        ["Acme Software", "Builders United"],
        ["Acme Software", "Builders United"],
        ["Acme Software"],
        ["Acme Biotech"],
        [],
    ]
    assert {page["more"] for page in pages} == {False}


async def test_the_stream_of_the_task_comes_first_and_in_pages(bench: Bench, ours: UUID) -> None:
    stream = await bench.db.fetch_one(
        "INSERT INTO streams (name, org_id) VALUES ('s', %s) RETURNING id", (ours,)
    )
    assert stream is not None
    await bench.db.execute(
        "INSERT INTO companies (name, name_norm) SELECT 'Firm ' || n, 'firm ' || n"
        " FROM generate_series(1, 25) n"
    )
    await bench.db.execute(
        "INSERT INTO stream_items"
        " (stream_id, company_id, quality_score, score_confidence, priority, scored_at)"
        " SELECT %s, id, substring(name FROM '[0-9]+')::numeric / 10, 1, 'low', now()"
        " FROM companies WHERE name LIKE 'Firm%%'",
        (stream["id"],),
    )
    wanted = [{}, {"page": 2}, {"in_stream": False, "query": "acme"}]
    first, second, all_of_them = await searched(bench, ours, wanted, stream_id=stream["id"])
    assert names(first) == [f"Firm {n}" for n in range(25, 5, -1)]
    assert (first["more"], first["companies"][0]["score"]) == (True, "2.50")
    assert (names(second)[-1], second["more"]) == ("Firm 1", False)
    assert names(all_of_them) == ["Acme Biotech", "Acme Software"]
    assert len(json.dumps(first)) < 10_000


def test_without_a_task_there_is_nothing_to_search() -> None:
    assert CompanySearchTool().execute({})["code"] == "TASK_NEEDED"
