"""A way to those who decide is found by indexes, over the neighbourhood of a company alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from uuid import uuid4

import pytest

from benchmarks.people import fill
from oppspot_runner.people.strengths import STRENGTHS
from tests.conftest import create_database, drop_database
from tests.plans.conftest import connected, explain

pytestmark = pytest.mark.slow

PEOPLE = 10_000
# Pages of 8 kB; all offices, people and companies have some 1,000, and boards of seven make a
# neighbourhood of 500 people, each looked up a few times.
MOST_BUFFERS = 40_000


@pytest.fixture(scope="module")
def directory(server: str, template: str) -> Iterator[str]:
    """A database with many people."""
    name = f"oppspot_people_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    fill(dsn, PEOPLE)
    yield dsn
    drop_database(name)


def test_paths_to_a_company_look_at_its_neighbourhood(directory: str) -> None:
    with connected(directory) as session:
        found = session.execute(
            "SELECT company_id, person_id FROM appointments WHERE company_id = (SELECT id FROM"
            " companies WHERE company_number = '00000777') AND resigned_on IS NULL"
        ).fetchall()
        companies, people = zip(*found, strict=True)
        values = {
            **asdict(STRENGTHS),
            "org_id": None,
            "company_ids": list(companies),
            "person_ids": list(people),
            "most": 10,
        }
        plan = explain(session, "people/paths", values, warm=True)
    assert plan.root["Actual Rows"] == 10
    assert plan.buffers < MOST_BUFFERS
