"""The search statement against the judges in Python: it may bring too many, never too few."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from typing import Any

import pytest

from oppspot_runner.companies.criteria import read_goal
from oppspot_runner.companies.qualifying import look_at
from oppspot_runner.companies.scoring import Scorer
from oppspot_runner.companies.scoring_criteria import Rubric
from oppspot_runner.companies.search import Search
from oppspot_runner.streams import searching
from oppspot_runner.streams.companies import CompanyStore
from tests.streams.world import World

CHOICES: dict[str, list[Any]] = {
    "industries": [[], ["saas"], ["fintech", "b2b"], ["music"], ["lending"]],
    "sic_codes": [[], [], ["62012"], ["64191"], ["10110"], ["7499"], ["99999"]],
    "country": [None, "GB", "IE", "US"],
    "region": [None, None, "England", "Scotland", "Texas"],
    "town": [None, "London", "Leeds", "St. Ives", "The Hague", "São Paulo", "Cambridge"],
    "employees": [None, 3, 5, 7, 10, 250, 500, 501, 1000, 1001],
    "employees_band": [None, None, "1-10", "11-50", "201-500", "501-1000", "10001+"],
    "founded_year": [None, 1990, 2012, 2015, 2019, 2023, 2024, 2025],
    "incorporated": [None, None, date(2014, 6, 1), date(2024, 3, 1), date(2026, 1, 1)],
    "description": [None, "We make payments", "Software as a service", "C++ and live music"],
    "status": [None, "active", "acquired", "inactive", "active-proposal-to-strike-off"],
    "tech": [[], ["HubSpot"], ["C++"], ["Node.js"]],
    "company_number": [None],
    "domain": [None, "acme.com", "other.com"],
}
GOALS: list[dict[str, Any]] = [
    {"industry": ["SaaS", "FinTech"], "location": ["UK", "Ireland"],
     "employee_count": {"min": 10, "max": 500}, "must": ["location"]},
    {"industry": ["FinTech"], "must": ["industry"]},
    {"industry": ["Music"], "employee_count": {"min": 6}},
    {"location": ["London", "São Paulo"], "must": ["location"]},
    {"location": ["Scotland", "The Hague"]},
    {"location": ["St Ives"]},
    {"location": ["Europe"], "company_age_years": {"min": 2, "max": 10}},
    {"company_age_years": {"max": 1}, "must": ["company_age_years"]},
    {"company_age_years": {"min": 30}},
    {"employee_count": {"max": 10}, "must": ["employee_count"]},
    {"employee_count": {"min": 0, "max": 0}},
    {"sic_codes": ["62", "6419"], "must": ["sic_codes"]},
    {"sic_codes": ["99999"], "location": ["UK"]},
    {"tech_stack": ["c++", "node js"], "must": ["tech_stack"]},
    {"keywords": ["payments", "C++"], "must": ["keywords"]},
    {"company_status": ["Active", "in active"]},
    {"company_status": ["acquired"], "must": ["company_status"]},
    {"location": ["UK"], "exclude": {"sic_codes": ["62"], "domains": ["ACME.com"]}},
]  # fmt: skip


@pytest.fixture
async def known(world: World) -> CompanyStore:
    """Three hundred companies of random values, the same in each run."""
    dice = random.Random(7)
    for number in range(300):
        values = {name: dice.choice(some) for name, some in CHOICES.items()}
        given = {name: value for name, value in values.items() if value is not None}
        await world.company(f"Company {number}", facts=False, **given)
    concluded = await world.all("SELECT id, sic_codes FROM companies WHERE sic_codes = '{62012}'")
    for row in concluded[::2]:
        await world.fact(row["id"], "sic_codes", row["sic_codes"], "industry_table", 0.3)
    return CompanyStore(world.db, None)


@pytest.mark.slow
async def test_no_company_that_the_judges_accept_is_lost_by_the_search(
    world: World, known: CompanyStore
) -> None:
    now = (await world.one("SELECT oppspot_now() AS now"))["now"]
    ids = [row["id"] for row in await world.all("SELECT id FROM companies")]
    loaded = await known.load(ids)
    stream_id = await world.stream()
    for goal in GOALS:
        scorer = Scorer(Rubric.of(read_goal({"goal_criteria": goal}).criteria), now, "discovery")
        search = Search.of(scorer.rubric, now)
        hits = {
            want: {h.id for h in (await known.find(search, stream_id=stream_id, want=want)).hits}
            for want in ("match", "near", "ruled_out")
        }
        looked_at = {one.id: look_at(one, scorer).kind for one in loaded}
        matches = {key for key, kind in looked_at.items() if kind == "match"}
        near = {key for key, kind in looked_at.items() if kind == "near"}
        assert matches, goal
        assert matches <= hits["match"], goal
        assert near <= hits["match"] | hits["near"], goal
        assert not hits["match"] & hits["near"], goal
        assert not (matches | near) & hits["ruled_out"], goal


async def test_the_search_brings_few_that_the_judges_refuse(
    world: World, known: CompanyStore
) -> None:
    now = datetime.now(UTC)
    scorer = Scorer(Rubric.of(read_goal({"goal_criteria": GOALS[0]}).criteria), now, "discovery")
    stream_id = await world.stream()
    page = await known.find(Search.of(scorer.rubric, now), stream_id=stream_id)
    found = [look_at(one, scorer).kind for one in await known.load([hit.id for hit in page.hits])]
    assert "match" in found
    assert "other" not in found


async def test_pages_follow_each_other_without_gap_or_overlap(
    world: World, known: CompanyStore
) -> None:
    search = Search.of(
        Rubric.of(read_goal({"goal_criteria": GOALS[2]}).criteria), datetime.now(UTC)
    )
    stream_id, after, paged = await world.stream(), None, []
    while (page := await known.find(search, stream_id=stream_id, after=after, limit=7)).hits:
        paged += [hit.id for hit in page.hits]
        after = page.hits[-1].id
    whole = await known.find(search, stream_id=stream_id, limit=1000)
    assert paged == [hit.id for hit in whole.hits]
    assert len(paged) > 14


async def test_a_merged_company_is_not_found(world: World) -> None:
    kept = await world.company("Kept", country="GB")
    await world.company("Merged", country="GB", merged_into=kept, facts=False)
    search = Search.of(
        Rubric.of(read_goal({"goal_criteria": GOALS[0]}).criteria), datetime.now(UTC)
    )
    page = await CompanyStore(world.db, None).find(search, stream_id=await world.stream())
    assert ([hit.id for hit in page.hits], page.cursor) == ([kept], None)


async def test_a_page_looks_at_so_many_companies_and_the_next_goes_on_behind_them(
    world: World, known: CompanyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LOOK", 40)
    monkeypatch.setattr(searching, "NARROW_COST", 0.0)
    search = Search.of(
        Rubric.of(read_goal({"goal_criteria": GOALS[2]}).criteria), datetime.now(UTC)
    )
    stream_id, after, found, pages = await world.stream(), None, [], 0
    while pages == 0 or after is not None:
        page = await known.find(search, stream_id=stream_id, after=after)
        found += [hit.id for hit in page.hits]
        after, pages = page.cursor, pages + 1
    monkeypatch.setattr(searching, "NARROW_COST", 1e9)
    whole = await known.find(search, stream_id=stream_id)
    assert (pages, found) == (8, [hit.id for hit in whole.hits])
    assert whole.cursor is None
