"""Why a company has its score: the stored reasons, and a what-if that writes nothing."""

from __future__ import annotations

from uuid import UUID

import pytest

from oppspot_runner.agents.scoring import ScoringAgent
from oppspot_runner.base.errors import InvalidInputError, NotFoundError
from oppspot_runner.streams.explain import explain
from tests.streams.world import World

GOAL = {"industry": ["FinTech"], "location": ["UK"], "employee_count": {"min": 10, "max": 500}}


@pytest.fixture
async def stream_id(world: World) -> UUID:
    stream_id = await world.stream(GOAL)
    values = {"industries": ["fintech"], "country": "GB", "employees": 700, "domain": "acme.com"}
    await world.item(stream_id, await world.company("Acme Payments Ltd", **values))
    await world.item(stream_id, await world.company("Other", country="GB"))
    await world.run(ScoringAgent, stream_id)
    return stream_id


@pytest.mark.parametrize("asked", ["Acme Payments Ltd", "acme payments", "ACME.com", " acme.com "])
async def test_a_company_is_found_as_people_write_it(
    world: World, stream_id: UUID, asked: str
) -> None:
    found = await explain(world.db, None, stream_id, asked)
    assert found.name == "Acme Payments Ltd"
    by_id = await explain(world.db, None, stream_id, str(found.company_id))
    assert by_id.company_id == found.company_id


async def test_the_stored_score_and_its_reasons_are_told(world: World, stream_id: UUID) -> None:
    found = await explain(world.db, None, stream_id, "acme.com")
    assert found.again.value == float(found.stored["quality_score"])
    assert found.again.reasons == found.stored["score_reasons"]
    assert found.again.missing == found.stored["score_missing"]
    assert (found.is_stale, found.what_if) == (False, None)


async def test_facts_that_came_later_make_the_score_stale(world: World, stream_id: UUID) -> None:
    await world.db.execute("UPDATE companies SET employees = 100 WHERE domain = 'acme.com'")
    assert (await explain(world.db, None, stream_id, "acme.com")).is_stale


async def test_other_weights_give_another_score_and_write_nothing(
    world: World, stream_id: UUID
) -> None:
    before = await world.all("SELECT * FROM stream_items ORDER BY id")
    weights = {"employee_count": 0, "signals": 0}
    found = await explain(world.db, None, stream_id, "acme.com", weights)
    assert found.what_if is not None
    assert found.what_if.cents > found.again.cents
    assert await world.all("SELECT * FROM stream_items ORDER BY id") == before


async def test_unknown_companies_and_weights_are_refused(world: World, stream_id: UUID) -> None:
    with pytest.raises(NotFoundError, match="the stream has no company 'Nobody'"):
        await explain(world.db, None, stream_id, "Nobody")
    with pytest.raises(InvalidInputError, match="'colour' can have no weight"):
        await explain(world.db, None, stream_id, "acme.com", {"colour": 1})
