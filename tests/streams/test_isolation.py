"""Nobody reads or writes over the border of an organisation, by no method of any store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.companies.company import Fact
from oppspot_runner.companies.items import Enriched, ScoredCompany, score_row
from oppspot_runner.companies.scoring import score
from oppspot_runner.companies.search import Search
from oppspot_runner.streams.companies import CompanyStore
from oppspot_runner.streams.explain import explain
from oppspot_runner.streams.insights import InsightStore
from oppspot_runner.streams.items import ItemStore
from tests.companies.making import rubric
from tests.streams.world import World

NOW = datetime(2026, 6, 1, tzinfo=UTC)
EVER = datetime(2100, 1, 1, tzinfo=UTC)
TABLES = ("companies", "facts", "streams", "stream_items", "stream_insights", "enrichment_checks")


@dataclass
class Border:
    """Two organisations, and nobody's land: each with a stream, a company in it, and a fact."""

    world: World
    orgs: dict[str, UUID | None]
    companies: dict[str, UUID]
    streams: dict[str, UUID]

    def items(self, who: str, whose: str) -> ItemStore:
        return ItemStore(self.world.db, self.orgs[who], self.streams[whose])

    def insights(self, who: str, whose: str) -> InsightStore:
        return InsightStore(self.world.db, self.orgs[who], self.streams[whose])

    def known(self, who: str) -> CompanyStore:
        return CompanyStore(self.world.db, self.orgs[who])


@pytest.fixture
async def border(world: World) -> Border:
    orgs: dict[str, UUID | None] = {
        "a": await world.organisation(),
        "b": await world.organisation(),
        "nobody": None,
    }
    companies, streams = {}, {}
    for name, org_id in orgs.items():
        companies[name] = await world.company(f"Of {name}", org_id=org_id, country="GB")
        streams[name] = await world.stream({"location": ["UK"]}, org_id=org_id)
        await world.item(streams[name], companies[name])
    return Border(world, orgs, companies, streams)


@pytest.fixture(autouse=True)
async def untouched(border: Border, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Tests named `..._writes_nothing` leave every table as it was."""

    async def state() -> list[list[str]]:
        tables = [await border.world.all(f"SELECT t::text AS row FROM {name} t") for name in TABLES]
        return [sorted(row["row"] for row in rows) for rows in tables]

    before = await state()
    yield
    if request.node.originalname.endswith("_writes_nothing"):
        assert await state() == before


CROSSINGS = pytest.mark.parametrize(
    ("who", "whose"), [("a", "b"), ("a", "nobody"), ("nobody", "a")]
)


async def test_companies_are_seen_by_their_organisation_and_public_ones_by_all(
    border: Border,
) -> None:
    ids = list(border.companies.values())
    seen = {who: {c.name for c in await border.known(who).load(ids)} for who in border.orgs}
    assert seen == {
        "a": {"Of a", "Of nobody"},
        "b": {"Of b", "Of nobody"},
        "nobody": {"Of nobody"},
    }


async def test_a_company_of_somebody_else_is_no_company(border: Border) -> None:
    assert await border.known("a").get(border.companies["b"]) is None
    assert await border.known("nobody").get(border.companies["a"]) is None


async def test_facts_of_somebody_else_are_not_read(border: Border) -> None:
    public = border.companies["nobody"]
    await border.world.fact(public, "phone", "of b", confidence=1.0, org_id=border.orgs["b"])
    await border.world.fact(public, "growth_rate", 9, confidence=1.0, org_id=border.orgs["b"])
    for who in ("a", "nobody"):
        seen = await border.known(who).get(public)
        assert seen is not None
        assert "growth_rate" not in seen.facts
        facts = await border.known(who).facts([public, border.companies["b"]])
        assert {fact.field for fact in facts[public]} == {"country"}
        assert border.companies["b"] not in facts
        if who == "a":
            await border.world.item(border.streams["a"], public)
        items = {item.company.id: item.company for item in await border.items(who, who).load()}
        assert "growth_rate" not in items[public].facts
    own = await border.known("b").get(public)
    assert own is not None
    assert own.facts["growth_rate"].value == 9


async def test_the_search_finds_no_company_of_somebody_else(border: Border) -> None:
    search = Search.of(rubric(location=["UK"]), NOW)
    await border.world.item(border.streams["b"], border.companies["nobody"])
    for who in border.orgs:
        page = await border.known(who).find(search, stream_id=border.streams["b"])
        wanted = {border.companies[who], border.companies["nobody"]}
        assert {hit.id for hit in page.hits} == wanted
        assert {hit.id for hit in page.hits if hit.in_stream} == (wanted if who == "b" else set())


async def test_a_stream_of_somebody_else_excludes_nothing(border: Border) -> None:
    await border.world.item(border.streams["b"], border.companies["nobody"])
    asked = rubric(location=["UK"], exclude={"streams": [str(border.streams["b"])]})
    page = await border.known("a").find(Search.of(asked, NOW), stream_id=border.streams["a"])
    assert {hit.id for hit in page.hits} == {border.companies["a"], border.companies["nobody"]}


@CROSSINGS
async def test_items_of_somebody_else_are_not_read(border: Border, who: str, whose: str) -> None:
    items = border.items(who, whose)
    assert await items.ids() == []
    assert await items.top() == []
    assert await items.load() == []
    assert (await items.coverage()).items == 0
    assert await items.due({"size_band": timedelta(0)}, since=EVER) == []
    with pytest.raises(NotFoundError):
        await explain(border.world.db, border.orgs[who], border.streams[whose], f"Of {whose}")


async def test_an_item_whose_company_belongs_to_somebody_else_is_not_read(border: Border) -> None:
    await border.world.item(border.streams["a"], border.companies["b"])
    items = border.items("a", "a")
    assert [item.company.name for item in await items.load()] == ["Of a"]
    assert [row["name"] for row in await items.top()] == ["Of a"]
    assert (await items.coverage()).items == 1
    due = await items.due({"size_band": timedelta(0)}, since=EVER)
    assert [one.company_id for one in due] == [border.companies["a"]]
    with pytest.raises(NotFoundError):
        await explain(border.world.db, border.orgs["a"], border.streams["a"], "Of b")


@CROSSINGS
async def test_a_stream_of_somebody_else_cannot_be_locked(
    border: Border, who: str, whose: str
) -> None:
    async with border.world.db.transaction() as tx:
        with pytest.raises(NotFoundError):
            await border.items(who, whose).lock(tx)


@CROSSINGS
async def test_adding_to_a_stream_of_somebody_else_writes_nothing(
    border: Border, who: str, whose: str
) -> None:
    company = await border.known("nobody").get(border.companies["nobody"])
    assert company is not None
    await add(border, who, whose, company.id)


async def test_adding_a_company_of_somebody_else_writes_nothing(border: Border) -> None:
    await add(border, "a", "a", border.companies["b"])


async def add(border: Border, who: str, whose: str, company_id: UUID) -> None:
    agent = await border.world.agent("opportunity_bot")
    owner = next(name for name, known in border.companies.items() if known == company_id)
    company = await border.known(owner).get(company_id)
    assert company is not None
    async with border.world.db.transaction() as tx:
        added = await border.items(who, whose).add(
            [ScoredCompany(company, score(company, rubric(location=["UK"]), now=NOW))],
            found=[company_id],
            target=10,
            model_version="1",
            now=NOW,
            agent_id=agent.id,
            tx=tx,
        )
    assert added == []


@CROSSINGS
async def test_scoring_a_stream_of_somebody_else_writes_nothing(
    border: Border, who: str, whose: str
) -> None:
    (item,) = await border.items(whose, whose).load()
    row = score_row(item.id, score(item.company, rubric(), now=NOW), changed=None)
    for store in (border.items(who, whose), border.items(who, who)):
        async with border.world.db.transaction() as tx:
            await border.items(who, whose).renumber(tx)
            changed = await store.save_scores(
                [row], stage="full", model_version="1", now=NOW, tx=tx
            )
        assert changed == 0


@pytest.mark.parametrize(("who", "whose"), [("a", "b"), ("nobody", "a")])
async def test_enriching_a_company_of_somebody_else_writes_nothing(
    border: Border, who: str, whose: str
) -> None:
    company_id = border.companies[whose]
    fact = Fact("phone", "1", "test", 1.0, NOW)
    page = [Enriched(company_id, [fact], {"phone": "1"}, {"test": "ok"})]
    await border.items(who, whose).save_enrichment(page)
    await border.items(who, who).save_enrichment(page)


async def test_enriching_marks_no_item_of_a_stream_of_somebody_else(border: Border) -> None:
    public = border.companies["nobody"]
    await border.items("a", "nobody").save_enrichment([Enriched(public)])
    rows = await border.world.all("SELECT FROM stream_items WHERE enriched_at IS NOT NULL")
    assert rows == []


@CROSSINGS
async def test_noting_an_insight_on_a_stream_of_somebody_else_writes_nothing(
    border: Border, who: str, whose: str
) -> None:
    insights = border.insights(who, whose)
    with pytest.raises(NotFoundError):
        await insights.add(kind="test", title="spying")
    await insights.set_progress({"spying": True})


async def test_an_insight_that_somebody_else_has_already_is_not_handed_out(border: Border) -> None:
    await border.insights("b", "b").add(kind="test", title="same")
    with pytest.raises(NotFoundError):
        await border.insights("a", "b").add(kind="test", title="same")


async def test_what_somebody_else_learns_does_not_make_a_public_company_due(
    border: Border,
) -> None:
    public, ttls = border.companies["nobody"], {"test": timedelta(days=1)}
    items = border.items("nobody", "nobody")
    await items.save_enrichment([Enriched(public, outcomes={"test": "ok"})])
    await border.world.fact(public, "phone", "of b", org_id=border.orgs["b"])
    assert await items.due(ttls, since=EVER) == []
    await border.world.fact(public, "phone", "public")
    assert [one.company_id for one in await items.due(ttls, since=EVER)] == [public]


async def test_insights_of_somebody_else_are_not_read(border: Border) -> None:
    await border.insights("b", "b").add(kind="test", title="of b")
    assert len(await border.insights("b", "b").newest()) == 1
    assert await border.insights("a", "b").newest() == []
    assert await border.insights("nobody", "b").newest() == []
