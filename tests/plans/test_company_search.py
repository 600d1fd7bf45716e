"""A page of a search for companies comes by indexes and looks at few of them, whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from benchmarks.companies import fill, goals
from oppspot_runner.companies.criteria import read_goal
from oppspot_runner.companies.scoring_criteria import Rubric
from oppspot_runner.companies.search import Search
from oppspot_runner.db.files import statement
from oppspot_runner.streams.searching import BY_ID, END_OF_LOOK, FIND, LOOK, NARROW_COST, PLAN
from tests.conftest import create_database, drop_database
from tests.plans.conftest import Plan, connected

pytestmark = pytest.mark.slow

COMPANIES = 40_000
GOALS = 60
MOST_BUFFERS = (
    6_000  # pages of 8 kB; the table alone has some 2,000, and a search by id looks up 1,000
)


@pytest.fixture(scope="module")
def directory(server: str, template: str) -> Iterator[str]:
    """A database with many companies."""
    name = f"oppspot_companies_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    fill(dsn, COMPANIES)
    yield dsn
    drop_database(name)


def page(session: psycopg.Connection[dict[str, Any]], goal: dict[str, Any]) -> tuple[bool, Plan]:
    """Whether indexes leave few companies for a goal, and how its first page is found."""
    rubric = Rubric.of(read_goal({"goal_criteria": goal}).criteria)
    values = {
        **Search.of(rubric, datetime.now(UTC)).values,
        "org_id": None,
        "stream_id": uuid4(),
        "want": "match",
        "after": None,
        "upto": None,
        "limit": None,
    }
    with session.transaction(force_rollback=True):
        session.execute(statement("streams/without_jit"))
        thought = session.execute(PLAN, values).fetchone()
        assert thought is not None
        narrow = thought["QUERY PLAN"][0]["Plan"]["Total Cost"] <= NARROW_COST
        if not narrow:
            last = session.execute(END_OF_LOOK, {"after": None, "last": LOOK - 1}).fetchone()
            assert last is not None
            values["upto"] = last["id"]
            session.execute(BY_ID)
        row = session.execute(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + FIND, {**values, "limit": 500}
        ).fetchone()
    assert row is not None
    (answer,) = row["QUERY PLAN"]
    return narrow, Plan(answer["Plan"], answer["Execution Time"])


def test_companies_that_are_the_same_are_found_in_a_table_that_nobody_analyzed(
    server: str, template: str
) -> None:
    name = f"oppspot_companies_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    with connected(dsn, row_factory=dict_row, autocommit=True) as session:
        session.execute("ALTER TABLE companies SET (autovacuum_enabled = false)")
        session.execute(
            "INSERT INTO companies (name, name_norm, country, domain, source, source_id)"
            " SELECT 'N' || n, 'n' || n, 'GB', 'n' || n || '.com', 'made', n"
            " FROM generate_series(1, 5000) n"
        )
        row = session.execute(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement("companies/same"),
            {"source": "made", "since": datetime(2020, 1, 1, tzinfo=UTC), "org_id": None},
        ).fetchone()
    drop_database(name)
    assert row is not None
    (answer,) = row["QUERY PLAN"]
    plan = Plan(answer["Plan"], answer["Execution Time"])
    assert plan.buffers < 20 * 5_000, str(plan)


def test_every_page_comes_by_indexes_and_reads_few_pages(directory: str) -> None:
    ways: set[bool] = set()
    with connected(directory, row_factory=dict_row) as session:
        for goal in goals(GOALS):
            narrow, plan = page(session, goal)
            ways.add(narrow)
            assert "all of it" not in plan.ways_into("companies"), f"{goal}\n{plan}"
            assert plan.ways_into("companies"), f"{goal}\n{plan}"
            assert plan.buffers < MOST_BUFFERS, f"{goal}\n{plan}"
    assert ways == {True, False}
