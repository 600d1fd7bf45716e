"""The agents of 002 and its first workflow: printed inputs in, promised outputs out.

One run of the printed workflow serves all tests of the module; each looks at one promise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from oppspot_runner import AsyncClient, Client
from oppspot_runner.agents.registry import registry as all_agents
from oppspot_runner.app.wiring import BUILT_IN
from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.companies.company import Company
from oppspot_runner.companies.criteria import GoalCriteria
from oppspot_runner.companies.scoring import score
from oppspot_runner.companies.scoring_model import MODEL, priority_of
from oppspot_runner.companies.scoring_parts import Signal
from oppspot_runner.db.pool import Database
from oppspot_runner.scheduler.ticking import tick
from tests.conftest import create_database, drop_database
from tests.runner.conftest import Bench

GOAL = {
    "goal_criteria": {
        "industry": ["SaaS", "FinTech"],
        "location": ["UK", "Ireland"],
        "employee_count": {"min": 10, "max": 500},
    },
    "target_metrics": {"companies_to_find": 50, "min_quality_score": 4.0},
}
FULL = {
    "description": "Software for accountants.", "website": "https://{}.example.com",
    "linkedin_url": "https://www.linkedin.com/company/{}", "phone": "+44 20 7946 0000",
    "email": "hello@{}.example.com", "status": "active",
}  # fmt: skip
WANTED = ("Alder", "Birch", "Cedar")
COMPANIES: dict[str, dict[str, Any]] = {
    "Alder": {"industries": ["saas"], "country": "GB", "employees": 10, **FULL},
    "Birch": {"industries": ["fintech"], "country": "IE", "employees": 500, **FULL},
    "Cedar": {"industries": ["saas", "fintech"], "country": "GB", "employees": 120, **FULL},
    "Unsized": {"industries": ["saas"], "country": "GB"},
    "Abroad": {"industries": ["saas"], "country": "DE", "employees": 100, **FULL},
    "Giant": {"industries": ["saas"], "country": "GB", "employees": 5000, **FULL},
    "Bakery": {"industries": ["bakery"], "country": "GB", "employees": 50, **FULL},
}
CHAIN = ("opportunity_bot", "enrichment_agent", "scoring_agent")
ROLES = ("primary", "enrichment", "scoring")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Story:
    """What one run of the printed workflow left behind."""

    executions: dict[str, dict[str, Any]]  # by agent type
    items: dict[str, dict[str, Any]]  # by name of the company
    insights: list[dict[str, Any]]
    assignments: list[dict[str, Any]]
    stream: dict[str, Any]

    def output(self, agent_type: str) -> dict[str, Any]:
        return dict(self.executions[agent_type]["output_data"])


@pytest.fixture(scope="module")
def story(server: str, template: str) -> Iterator[Story]:
    name = f"oppspot_story_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        for company, values in COMPANIES.items():
            add_company(connection, company, values)
        stream = begin(dsn)
        asyncio.run(finish(dsn))
        yield told(connection, stream)
    drop_database(name)


def add_company(connection: psycopg.Connection[Any], name: str, values: dict[str, Any]) -> None:
    row = {"name": name, "name_norm": name.lower(), **values}
    row = {k: v.format(name.lower()) if isinstance(v, str) else v for k, v in row.items()}
    marks = ", ".join(["%s"] * len(row))
    connection.execute(
        f"INSERT INTO companies ({', '.join(row)}) VALUES ({marks})",  # type: ignore[arg-type]
        [*row.values()],
    )


def begin(dsn: str) -> UUID:
    """The first workflow as it is printed: three agents in a chain, the first one started."""
    with Client(dsn) as client:
        stream = client.create_stream("Leads")
        ids = [client.create_agent(agent_type=kind, name=kind) for kind in CHAIN]
        client.assign_agents_to_stream(
            stream,
            [
                {
                    "agent_id": agent,
                    "assignment_role": ROLES[place],
                    "execution_order": place + 1,
                    "auto_execute": True,
                    "depends_on_agent_ids": ids[place - 1 : place] if place else [],
                }
                for place, agent in enumerate(ids)
            ],
        )
        client.trigger_agent(stream, ids[0], {"goal_context": GOAL})
    return stream


async def finish(dsn: str) -> None:
    all_agents.load_modules(BUILT_IN)
    async with Database(dsn) as database:
        bench = Bench(database, all_agents)

        async def ended() -> bool:
            rows = await database.fetch_all("SELECT status FROM stream_runs")
            return bool(rows) and rows[0]["status"] != "running"

        async with bench.running():
            await bench.until(ended)


def told(connection: psycopg.Connection[Any], stream: UUID) -> Story:
    def all_of(query: Any) -> list[dict[str, Any]]:
        return connection.execute(query, (stream,)).fetchall()

    executions = all_of(
        "SELECT a.agent_type, a.configuration, e.* FROM agent_executions e"
        " JOIN ai_agents a ON a.id = e.agent_id WHERE e.stream_id = %s"
    )
    assert [row["status"] for row in executions] == ["completed"] * 3, executions
    items = all_of(
        "SELECT c.name, i.* FROM stream_items i JOIN companies c ON c.id = i.company_id"
        " WHERE i.stream_id = %s"
    )
    return Story(
        {row["agent_type"]: row for row in executions},
        {row["name"]: row for row in items},
        all_of("SELECT * FROM stream_insights WHERE stream_id = %s ORDER BY created_at"),
        all_of(
            "SELECT * FROM stream_agent_assignments WHERE stream_id = %s ORDER BY execution_order"
        ),
        all_of("SELECT * FROM streams WHERE id = %s")[0],
    )


def test_the_printed_workflow_runs_its_three_agents_one_after_the_other(story: Story) -> None:
    first, second, third = (story.executions[kind] for kind in CHAIN)
    assert first["completed_at"] <= second["started_at"]
    assert second["completed_at"] <= third["started_at"]
    assert [row["assignment_role"] for row in story.assignments] == list(ROLES)


def test_assignments_count_their_executions_and_say_when_the_last_was(story: Story) -> None:
    assert [row["total_executions"] for row in story.assignments] == [1, 1, 1]
    times = [row["last_executed_at"] for row in story.assignments]
    assert times == [story.executions[kind]["completed_at"] for kind in CHAIN]


def test_the_bot_s_output_counts_what_was_found_added_and_good(story: Story) -> None:
    output = story.output("opportunity_bot")
    assert output["companies_found"] == 4
    assert output["items_created"] == len(WANTED)
    assert output["qualified_count"] == len(WANTED)
    assert output["high_quality_count"] == len(WANTED)
    assert 4.0 <= output["avg_quality_score"] <= 5.0


def test_industry_location_and_head_count_filter_the_companies(story: Story) -> None:
    assert set(story.items) == set(WANTED)


def test_the_goal_of_the_task_reaches_the_agent(story: Story) -> None:
    assert story.executions["opportunity_bot"]["goal_context"] == GOAL


def test_the_enrichment_s_output_counts_updated_and_enriched_items(story: Story) -> None:
    output = story.output("enrichment_agent")
    assert output["items_updated"] == len(WANTED)
    assert output["enriched_count"] == len(WANTED)


def test_the_scoring_s_output_counts_items_and_good_ones_and_gives_the_average(
    story: Story,
) -> None:
    output = story.output("scoring_agent")
    scores = [float(item["quality_score"]) for item in story.items.values()]
    assert output["items_updated"] == len(WANTED)
    assert output["avg_quality_score"] == pytest.approx(sum(scores) / len(scores), abs=0.01)
    assert output["high_quality_count"] == sum(one >= 4.0 for one in scores)


def test_the_numbers_of_an_output_are_the_summary_of_its_execution(story: Story) -> None:
    for row in story.executions.values():
        numbers = {k: v for k, v in row["output_data"].items() if type(v) in {int, float}}
        assert row["results_summary"] == numbers


def test_the_items_of_a_stream_are_put_in_order_by_their_scores(story: Story) -> None:
    ordered = sorted(story.items.values(), key=lambda item: item["position"])
    assert [item["position"] for item in ordered] == [1, 2, 3]
    scores = [item["quality_score"] for item in ordered]
    assert scores == sorted(scores, reverse=True)
    assert all(
        item["priority"] == priority_of(int(item["quality_score"] * 100)) for item in ordered
    )


def test_each_agent_leaves_an_insight_with_its_evidence(story: Story) -> None:
    assert [row["kind"] for row in story.insights] == ["discovery", "enrichment", "scoring"]
    assert all(row["evidence"] and row["task_id"] for row in story.insights)


def test_the_progress_of_the_stream_is_kept(story: Story) -> None:
    progress = story.stream["progress"]
    assert progress["discovery"] == {"found": 4, "qualified": 3, "target": 50}
    assert progress["enrichment"]["items_updated"] == 3
    assert progress["scoring"]["items_updated"] == 3


def test_an_agent_is_created_with_its_schedule_and_configuration(dsn: str) -> None:
    with Client(dsn) as client:
        made = client.create_agent(
            agent_type="scout_agent",
            name="Daily Signal Scout",
            schedule_cron="0 9 * * *",
            configuration={"signals": ["job_posting", "funding_round"], "threshold": 0.7},
        )
        with pytest.raises(InvalidInputError, match="2 fields"):
            client.create_agent(agent_type="scout_agent", schedule_cron="9 o'clock")
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT id, agent_type, name, schedule_cron, configuration FROM ai_agents"
        ).fetchall()
    configuration = {"signals": ["job_posting", "funding_round"], "threshold": 0.7}
    assert rows == [(made, "scout_agent", "Daily Signal Scout", "0 9 * * *", configuration)]


async def test_the_scout_is_due_every_day_at_nine(dsn: str) -> None:
    async with Database(dsn, max_size=1) as database:

        async def look(moment: str) -> int:
            await database.execute("SELECT set_config('oppspot.now', %s, false)", (moment,))
            async with database.transaction() as connection:
                return (await tick(connection)).started

        await look("2025-06-01T12:00Z")
        await AsyncClient(database).create_agent(
            agent_type="scout_agent", schedule_cron="0 9 * * *"
        )
        for day in ("2025-06-02", "2025-06-03", "2025-06-04"):
            assert await look(f"{day}T08:59:59Z") == 0
            assert await look(f"{day}T09:00:00Z") == 1
            await database.execute("UPDATE agent_tasks SET status = 'completed'")


@pytest.mark.parametrize(
    ("points", "priority"),
    [
        (5.0, "critical"), (4.5, "critical"), (4.49, "high"), (4.0, "high"), (3.99, "medium"),
        (3.0, "medium"), (2.99, "low"), (0.0, "low"),
    ],
)  # fmt: skip
def test_a_score_has_the_printed_priority(points: float, priority: str) -> None:
    assert priority_of(round(points * 100)) == priority


def test_the_score_is_the_printed_sum_of_its_four_components() -> None:
    company = Company(uuid4(), "Alder", NOW, country="GB", employees=120, website="https://a.uk")
    signal = Signal("funding_round", 0.75, 1.0, NOW - timedelta(days=10))
    criteria = GoalCriteria.model_validate(
        {"location": ["UK"], "employee_count": {"min": 10, "max": 100}}
    )
    made = score(company, criteria, now=NOW, found_signals=[signal])
    parts = made.parts
    assert set(parts) == {"criteria", "completeness", "enrichment", "signals"}
    assert all(0 < one <= 1 for one in parts.values())
    expected = (
        2.0 * parts["criteria"]
        + 1.0 * parts["completeness"]
        + 1.0 * parts["enrichment"]
        + 1.0 * parts["signals"]
    )
    assert made.value == pytest.approx(expected, abs=0.006)
    assert sum(reason["points"] for reason in made.reasons) == pytest.approx(made.value)


def test_the_weights_of_the_four_components_are_the_printed_ones() -> None:
    assert dict(MODEL.components) == {
        "criteria": 2.0, "completeness": 1.0, "enrichment": 1.0, "signals": 1.0,
    }  # fmt: skip


def test_no_agent_of_the_three_needs_any_configuration(story: Story) -> None:
    assert set(story.executions) == set(CHAIN)
    assert all(row["configuration"] == {} for row in story.executions.values())
