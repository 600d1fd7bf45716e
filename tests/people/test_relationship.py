"""The relationship agent on a made register of twelve companies: exact paths, nobody merged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from oppspot_runner.agents.relationship import RelationshipAgent
from oppspot_runner.base.errors import Fail, RateLimitExceededError
from oppspot_runner.testing.world.register_lists import person_id
from tests.people import register
from tests.people.conftest import Twelve
from tests.streams.world import Steps, begin, finish

PEOPLE = "SELECT p.id, p.name, p.birth_year, p.nominee FROM people p ORDER BY p.name, p.birth_year"


async def by_name(twelve: Twelve) -> dict[str, Any]:
    """Ids of people and contacts by name; of two of a name the elder."""
    people = {row["name"]: str(row["id"]) for row in reversed(await twelve.world.all(PEOPLE))}
    contacts = await twelve.world.all("SELECT id, name FROM contacts")
    return people | {f"our {row['name']}": str(row["id"]) for row in contacts}


@pytest.mark.slow
async def test_paths_are_exact_and_lead_through_nobody_who_lends_a_name(twelve: Twelve) -> None:
    twelve.made.fault(f"/ch/officers/{person_id(register.IVO)}/", status=404, times=None)
    output = await twelve.run()
    ids = await by_name(twelve)
    kim, jana = ids["our Kim Ward"], ids["our Jana Quist"]
    annika, bo = ids["Annika Bergström"], ids["Bo Odegard"]
    today = (await twelve.world.one("SELECT oppspot_now()::date AS day"))["day"]
    left = round(0.5 * 0.5 ** ((today - register.LEFT).days / 365.25 / 5), 4)
    assert twelve.told(output) == {
        "One": (kim, (), annika, 0.6),
        "Two": (jana, (), ids["Jana Quist"], 1.0),
        "Three": (kim, (), annika, 0.6),
        "Four": (kim, (annika,), bo, 0.48),
        "Five": (kim, (annika, bo), ids["Cass O'Neill"], 0.384),
        "Seven": (jana, (), ids["Fay Linden"], left),
        "Ten": (jana, (), ids["Hal Turnbull"], 0.4),
    }
    why = {one["company_id"]: one["why"] for one in output["best_path"]}
    assert why[str(twelve.ids["Four"])] == (
        "works at Company One Ltd; in office together at Company Three Ltd"
    )
    assert "until 2021-11-01" in why[str(twelve.ids["Seven"])]
    assert (output["companies"], output["companies_with_path"]) == (12, 7)
    assert not output["partial"]
    assert output["errors"] == {}


@pytest.mark.slow
async def test_who_decides_comes_first_and_what_is_doubtful_is_told_not_merged(
    twelve: Twelve,
) -> None:
    output = await twelve.run()
    ids = await by_name(twelve)
    deciding = {
        one["company_id"]: [person["person_id"] for person in one["people"]]
        for one in output["decision_makers"]
    }
    assert deciding[str(twelve.ids["Four"])] == [ids["Bo Odegard"], ids["Cass O'Neill"]]
    assert deciding[str(twelve.ids["Eight"])] == []
    nominees = {row["name"]: row["nominee"] for row in await twelve.world.all(PEOPLE)}
    assert nominees["Norma Lender"] == nominees["Norbert Lender"] == "appointments"
    assert nominees["LEDGER NOMINEES LIMITED"] == "formation_agent"
    assert nominees["Company Two Ltd"] == "corporate"
    groups = {(one["company_id"], one["relation"]) for one in output["group_structure"]}
    assert groups == {
        (str(twelve.ids["Ten"]), "parent"),
        (str(twelve.ids["Two"]), "subsidiary"),
    }
    named = [row for row in await twelve.world.all(PEOPLE) if row["name"] == "Annika Bergström"]
    assert sorted(row["birth_year"] or 0 for row in named) == [0, 1971, 1990]
    unclear = {frozenset(one["ids"]) for one in output["ambiguous"]}
    nobody = next(str(row["id"]) for row in named if row["birth_year"] is None)
    assert unclear == {frozenset({nobody, str(row["id"])}) for row in named} - {frozenset({nobody})}
    assert "Bergstr" not in str(output)  # names stand in the tables of people alone


@pytest.mark.slow
async def test_a_second_run_asks_nothing_and_finds_the_same(twelve: Twelve) -> None:
    first = await twelve.run()
    asked = twelve.asked()
    assert first["api_calls"] == asked
    assert twelve.asked("/ch/officers/") == 14  # each who is in office now, once
    second = await twelve.run()
    assert twelve.asked() == asked
    assert second["api_calls"] == 0
    assert second["skipped_fresh"] == 12
    assert second["best_path"] == first["best_path"]
    insights = await twelve.world.all("SELECT title FROM stream_insights")
    assert [row["title"] for row in insights] == ["Own contacts lead to 7 of 12 companies"]


@pytest.mark.slow
async def test_who_is_held_up_goes_on_where_it_was(twelve: Twelve) -> None:
    company = register.number("Six")
    twelve.made.fault(f"/ch/company/{company}/officers", status=429, headers={"Retry-After": "1"})
    steps = Steps()
    async with twelve.web() as web:
        ctx = await twelve.world.context(
            RelationshipAgent, twelve.stream, org_id=twelve.org, web=web, steps=steps
        )
        with pytest.raises(RateLimitExceededError):
            await begin(RelationshipAgent, ctx)
        before = await twelve.world.all("SELECT company_id FROM relationship_checks")
        assert 0 < len(before) < 12
        await twelve.world.db.execute("UPDATE tool_call_rates SET held_until = NULL")
        again = await twelve.world.context(
            RelationshipAgent, twelve.stream, org_id=twelve.org, web=web, steps=steps,
            task=replace(ctx.task, attempt=2),
        )  # fmt: skip
        output = await finish(twelve.world.db, *await begin(RelationshipAgent, again))
    assert output["companies_asked"] == 12
    assert output["companies_with_path"] == 7
    seen = [one.path for one in twelve.made.seen("/ch/")]
    assert len(seen) == len(set(seen)) + 1, "only the refused one was asked twice"


@pytest.mark.slow
async def test_companies_and_people_who_are_not_to_be_approached_are_left_out(
    twelve: Twelve,
) -> None:
    add = "INSERT INTO suppressions (org_id, kind, value) VALUES (%s, %s, %s)"
    await twelve.world.db.execute(add, (twelve.org, "domain", "two.example"))
    await twelve.world.db.execute(add, (twelve.org, "company", str(twelve.ids["Five"])))
    output = await twelve.run()
    assert set(twelve.told(output)) == {"One", "Three", "Four"}  # Jana's ways are gone too
    assert output["suppressed_companies"] == 2
    annika = (await by_name(twelve))["Annika Bergström"]
    await twelve.world.db.execute(add, (None, "person", annika))
    assert twelve.told(await twelve.run()) == {}


@pytest.mark.slow
async def test_a_company_is_kept_out_by_its_error_only_and_no_more_is_asked_than_allowed(
    twelve: Twelve,
) -> None:
    few = await twelve.run(config={"max_api_calls": 5})
    assert few["partial"]
    assert few["next_cursor"] is not None
    assert few["api_calls"] <= 5
    broken = register.number("Nine")
    twelve.made.fault(f"/ch/company/{broken}/officers", status=500, times=None)
    rest = await twelve.run()
    assert rest["errors"] == {"SOURCE_DOWN": 1}
    assert rest["partial"]
    assert rest["companies_with_path"] == 7


async def test_without_a_key_and_people_there_is_nothing_to_do(twelve: Twelve) -> None:
    with pytest.raises(Fail, match="COMPANIES_HOUSE"):
        await twelve.world.run(RelationshipAgent, twelve.stream, org_id=twelve.org)


@pytest.mark.slow
async def test_what_is_known_of_people_follows_a_merge_and_comes_back(twelve: Twelve) -> None:
    await twelve.run()
    other = await twelve.world.company("Company Four Limited", domain="four.test")
    merge = "SELECT merge_companies(%s, %s)"
    await twelve.world.one(merge, twelve.ids["Four"], other)
    assert len((await twelve.store.seats([other]))[other]) == 2
    assert (await twelve.store.seats([twelve.ids["Four"]]))[twelve.ids["Four"]] == []
    last = await twelve.world.company("Company Four", domain="last.test")
    await twelve.world.one(merge, other, last)
    assert len((await twelve.store.seats([last]))[last]) == 2
    for company in (other, twelve.ids["Four"]):
        await twelve.world.one("SELECT unmerge_company(%s)", company)
    assert len((await twelve.store.seats([twelve.ids["Four"]]))[twelve.ids["Four"]]) == 2
