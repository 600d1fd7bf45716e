"""The opportunity bot and the register: who is found, and who becomes a company of ours."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.agents import register_search
from oppspot_runner.agents.opportunity_bot import OpportunityBot
from oppspot_runner.base.errors import (
    AccessDeniedError,
    Fail,
    RateLimitExceededError,
    SourceDownError,
    SourceNotConfiguredError,
)
from tests.agents.register import SOURCES, number
from tests.connectors.answering import SEEN_AT, Answering
from tests.streams.world import World

PATH = "advanced-search/companies"
GOAL: dict[str, Any] = {"industry": ["SaaS"], "location": ["UK"]}


def hit(place: int, *, born: int = 2015, **more: Any) -> dict[str, Any]:
    return {
        "company_name": f"FOUND {place} LIMITED",
        "company_number": number(place),
        "company_status": "active",
        "company_type": "ltd",
        "date_of_creation": f"{born}-03-04",
        "sic_codes": ["62012"],
        "registered_office_address": {"locality": "LEEDS", "country": "England"},
        **more,
    }


class Searchable(Answering):
    """A register whose advanced search holds `hits`, and answers as the real one does."""

    def __init__(self, *hits: dict[str, Any]) -> None:
        super().__init__()
        self.hits = list(hits)
        self.answers[PATH] = self.search

    def search(self, params: Any) -> Any:
        first, last = params["incorporated_from"], params["incorporated_to"]
        fitting = [one for one in self.hits if first <= one["date_of_creation"] <= last]
        if not fitting:
            return None
        page = fitting[params["start_index"] :][: params["size"]]
        return {"hits": str(len(fitting)), "items": page}


async def find(world: World, register: Answering, stream_id: UUID, **config: Any) -> dict[str, Any]:
    return await world.run(
        OpportunityBot, stream_id, web=register.web(*SOURCES), config=config or None
    )


async def stream(world: World, goal: dict[str, Any] | None = None, target: int = 50) -> UUID:
    return await world.stream(goal or GOAL, {"companies_to_find": target})


async def companies(world: World) -> list[dict[str, Any]]:
    return await world.all("SELECT * FROM companies ORDER BY company_number")


async def test_companies_that_only_the_register_knows_are_added_with_their_facts(
    world: World,
) -> None:
    stream_id = await stream(world)
    results = await find(world, Searchable(hit(1), hit(2)), stream_id)
    assert results["by_source"] == {"companies": 0, "companies_house": 2}
    assert (results["companies_found"], results["items_created"]) == (2, 2)
    assert (results["api_calls"], results["partial"], results["errors"]) == (1, False, {})
    first, _ = await companies(world)
    assert (first["name"], first["name_norm"]) == ("FOUND 1 LIMITED", "found 1")
    assert (first["company_number"], first["org_id"]) == (number(1), None)
    assert (first["town"], first["region"], first["country"]) == ("Leeds", "England", "GB")
    assert (first["status"], first["sic_codes"]) == ("active", ["62012"])
    facts = await world.all(
        "SELECT * FROM stated_facts WHERE company_id = %s ORDER BY field", first["id"]
    )
    assert {one["field"] for one in facts} >= {"company_number", "incorporated", "status", "town"}
    assert {(one["source"], one["observed_at"]) for one in facts} == {("register", SEEN_AT)}
    items = await world.all("SELECT company_id FROM stream_items")
    assert first["id"] in {one["company_id"] for one in items}
    insight = await world.one("SELECT evidence FROM stream_insights")
    shown = {one["company_id"] for one in insight["evidence"]["best"]}
    assert shown == {str(one["company_id"]) for one in items}


async def test_a_second_run_changes_nothing(world: World) -> None:
    stream_id, register = await stream(world), Searchable(hit(1), hit(2))
    await find(world, register, stream_id)
    before = await companies(world), await world.all("SELECT * FROM stream_items ORDER BY id")
    again = await find(world, register, stream_id)
    assert again["by_source"] == {"companies": 2, "companies_house": 0}
    assert (again["items_created"], again["already_in_stream"]) == (0, 2)
    assert (await companies(world), await world.all("SELECT * FROM stream_items ORDER BY id")) == (
        before
    )


async def test_runs_at_once_make_no_company_twice(world: World) -> None:
    register = Searchable(*(hit(place) for place in range(1, 21)))
    same, other = await stream(world), await stream(world)
    await asyncio.gather(*(find(world, register, one) for one in (same, same, other)))
    assert len(await companies(world)) == 20
    rows = await world.all("SELECT stream_id, count(*) AS n FROM stream_items GROUP BY stream_id")
    assert {row["stream_id"]: row["n"] for row in rows} == {same: 20, other: 20}


async def test_who_is_known_by_number_or_name_is_not_added(world: World) -> None:
    await world.company("Another name", company_number=number(1), country="DE")
    await world.company("The Found 2 Ltd.", country="GB", industries=["saas"])
    await world.company("Found 3 Ltd", country="US")
    results = await find(world, Searchable(hit(1), hit(2), hit(3)), await stream(world))
    assert results["by_source"] == {"companies": 1, "companies_house": 1}
    numbers = [one["company_number"] for one in await companies(world)]
    assert sorted(filter(None, numbers)) == [number(1), number(3)]


async def test_what_another_organisation_keeps_for_itself_is_not_seen(world: World) -> None:
    other = await world.organisation()
    await world.company("Found 1 Ltd", org_id=other, company_number=number(1))
    results = await find(world, Searchable(hit(1)), await stream(world))
    assert results["by_source"] == {"companies": 0, "companies_house": 1}


async def test_only_the_best_are_added_and_a_dry_run_adds_nobody(world: World) -> None:
    register = Searchable(*(hit(place) for place in range(1, 11)))
    stream_id = await stream(world, target=3)
    dry = await find(world, register, stream_id, dry_run=True)
    assert (dry["companies_found"], await companies(world)) == (10, [])
    await find(world, register, stream_id)
    assert len(await companies(world)) == 3


async def test_who_does_not_meet_the_goal_is_passed_over(world: World) -> None:
    misfits = [
        hit(1, sic_codes=["01110"]),
        hit(2, company_status="liquidation"),
        hit(3, company_name=" "),
        hit(4, company_number="../../key"),
    ]
    results = await find(world, Searchable(*misfits, hit(5)), await stream(world))
    assert (results["companies_found"], results["schema_drift"]) == (1, 2)


async def test_more_than_an_answer_holds_are_found_by_their_years(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register_search, "SIZE", 4)
    hits = [hit(place, born=1990 + place) for place in range(1, 31)]
    hits += [hit(place, born=2020) for place in range(100, 110)]  # more in one year
    register = Searchable(*hits)
    results = await find(world, register, await stream(world))
    assert (results["companies_found"], results["partial"]) == (40, False)
    assert len({one["company_number"] for one in await companies(world)}) == 40
    assert results["api_calls"] == len(register.asked) <= register_search.MOST_CALLS


async def test_a_search_without_end_is_cut_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register_search, "SIZE", 1)
    register = Searchable(*(hit(place, born=2020) for place in range(1, 100)))
    results = await find(world, register, await stream(world))
    assert (len(register.asked), results["partial"]) == (register_search.MOST_CALLS, True)


async def test_without_a_key_our_own_companies_are_searched_and_it_is_said(world: World) -> None:
    await world.company("Own", country="GB", industries=["saas"])
    register = Searchable(hit(1))
    results = await world.run(OpportunityBot, await stream(world), web=register.web())
    assert (results["by_source"], results["errors"]) == ({"companies": 1}, {})
    assert "COMPANIES_HOUSE_API_KEY" in results["skipped_sources"]["companies_house"]
    assert (register.asked, results["partial"]) == ([], False)


async def test_a_goal_that_is_not_for_the_register_leaves_it_alone(world: World) -> None:
    register = Searchable(hit(1))
    results = await find(world, register, await stream(world, {"location": ["Ireland"]}))
    assert "United Kingdom" in results["skipped_sources"]["companies_house"]
    assert (register.asked, results["partial"]) == ([], False)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SourceDownError("down", source="companies_house"), "SOURCE_DOWN"),
        (AccessDeniedError("wrong key", source="companies_house"), "ACCESS_DENIED"),
    ],
)
async def test_where_the_register_fails_our_own_companies_are_searched(
    world: World, error: Exception, code: str
) -> None:
    await world.company("Own", country="GB", industries=["saas"])
    results = await find(world, Answering({PATH: error}), await stream(world))
    assert (results["by_source"], results["items_created"]) == ({"companies": 1}, 1)
    assert (results["errors"], results["partial"]) == ({code: 1}, True)
    with pytest.raises(type(error)):
        await find(
            world, Answering({PATH: error}), await stream(world), sources=["companies_house"]
        )


async def test_html_instead_of_an_answer_is_a_failure_like_others(world: World) -> None:
    register = Answering({PATH: b"<html>Bad gateway</html>"})
    results = await find(world, register, await stream(world))
    assert (results["errors"], results["partial"]) == ({"MALFORMED_ANSWER": 1}, True)


async def test_a_limit_ends_the_attempt_before_anything_is_written(world: World) -> None:
    register = Answering({PATH: RateLimitExceededError("too many", retry_after_s=9)})
    with pytest.raises(RateLimitExceededError):
        await find(world, register, await stream(world))
    assert await world.all("SELECT FROM stream_insights") == []


async def test_only_the_chosen_sources_are_asked(world: World) -> None:
    await world.company("Own", country="GB", industries=["saas"])
    register = Searchable(hit(1))
    own = await find(world, register, await stream(world), sources=["companies"])
    assert (own["by_source"], register.asked) == ({"companies": 1}, [])
    other = await find(world, register, await stream(world), sources=["companies_house"])
    assert (other["by_source"], other["companies_found"]) == ({"companies_house": 1}, 1)


@pytest.mark.parametrize(
    ("sources", "message"),
    [(["oracle"], "unknown oracle; known: companies, companies_house"), ([], "it is empty")],
)
async def test_sources_that_nobody_knows_fail(
    world: World, sources: list[str], message: str
) -> None:
    with pytest.raises(Fail, match=message):
        await find(world, Searchable(), await stream(world), sources=sources)


async def test_the_register_alone_without_a_key_fails_with_what_to_set(world: World) -> None:
    with pytest.raises(SourceNotConfiguredError, match="COMPANIES_HOUSE_API_KEY is not set"):
        await world.run(
            OpportunityBot,
            await stream(world),
            web=Searchable().web(),
            config={"sources": ["companies_house"]},
        )
