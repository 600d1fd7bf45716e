"""Enrichment: who is asked about what, what is believed afterwards, and who is not asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest

from oppspot_runner.agents import company_run
from oppspot_runner.agents.context import Context
from oppspot_runner.agents.enrichment import EnrichmentAgent
from oppspot_runner.agents.providers import Provider, conclusions, on_record
from oppspot_runner.base.errors import Fail, Snooze
from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.items import Enriched
from tests.companies.test_fact_values import MISFITS
from tests.streams.world import Steps, World, begin, finish

BUILT_IN = [provider.name for provider in (*on_record(), *conclusions())]


async def stream_of(world: World, *companies: UUID, org_id: UUID | None = None) -> UUID:
    stream_id = await world.stream(org_id=org_id)
    for company_id in companies:
        await world.item(stream_id, company_id)
    return stream_id


async def company(world: World, company_id: UUID) -> dict[str, Any]:
    return await world.one("SELECT * FROM companies WHERE id = %s", company_id)


async def facts(world: World, company_id: UUID, field: str) -> list[tuple[Any, str, float]]:
    rows = await world.all(
        "SELECT value, source, confidence FROM facts"
        " WHERE company_id = %s AND field = %s ORDER BY id",
        company_id,
        field,
    )
    return [(row["value"], row["source"], row["confidence"]) for row in rows]


class Register:
    """A provider as later ones will be: it answers what it is told to."""

    name: ClassVar[str] = "register"
    fields: ClassVar[tuple[str, ...]] = ("phone",)
    ttl: ClassVar[timedelta] = timedelta(days=7)
    revises: ClassVar[bool] = False
    web_source: ClassVar[None] = None

    def __init__(self, answer: Callable[[Company, Context], list[Fact]]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def provide(self, company: Company, ctx: Context) -> list[Fact]:
        self.asked.append(company.name)
        return self.answer(company, ctx)


def phone(company: Company, ctx: Context) -> list[Fact]:
    return [Fact("phone", f"call {company.name}", "register", 0.9, ctx.task.started_at)]


def with_providers(*providers: Provider) -> type[EnrichmentAgent]:
    class Enrichment(EnrichmentAgent):
        agent_type: ClassVar[str] = ""

        def providers(self) -> tuple[Provider, ...]:
            return providers

    Enrichment.agent_type = "enrichment_agent"
    return Enrichment


async def test_conclusions_are_facts_with_the_source_and_trust_of_their_origin(
    world: World,
) -> None:
    acme = await world.company(
        "Acme",
        website="https://www.Acme.co.uk/about",
        town="London, United Kingdom",
        employees=32,
        industries=["fintech"],
    )
    results = await world.run(EnrichmentAgent, await stream_of(world, acme))
    row = await company(world, acme)
    assert (row["domain"], row["country"], row["employees_band"]) == ("acme.co.uk", "GB", "11-50")
    assert {"64191", "64999", "66190"} <= set(row["sic_codes"])
    assert await facts(world, acme, "domain") == [("acme.co.uk", "website_domain", 0.6)]
    assert await facts(world, acme, "country") == [("GB", "place_country", 0.6)]
    assert await facts(world, acme, "employees_band") == [("11-50", "size_band", 0.6)]
    ((_, source, confidence),) = await facts(world, acme, "sic_codes")
    assert (source, confidence) == ("industry_table", 0.3)
    assert results["fields_filled"] == dict.fromkeys(
        ["domain", "country", "employees_band", "sic_codes"], 1
    )


async def test_nothing_is_invented(world: World) -> None:
    acme = await world.company("Acme", website="https://linkedin.com/company/acme", town="London")
    results = await world.run(EnrichmentAgent, await stream_of(world, acme))
    row = await company(world, acme)
    assert [row[name] for name in ("domain", "country", "employees_band", "employees")] == [
        None
    ] * 4
    assert row["sic_codes"] == []
    assert results["fields_filled"] == {}
    assert results["by_provider"]["website_domain"] == {"not_found": 1}


async def test_the_outputs_of_the_seed_and_ours_say_what_happened(world: World) -> None:
    known = await world.company("Known", website="https://known.com", employees=20)
    empty = await world.company("Empty", facts=False)
    results = await world.run(EnrichmentAgent, await stream_of(world, known, empty))
    assert (results["items_updated"], results["enriched_count"]) == (2, 1)
    assert results["by_provider"] == {
        "imported_facts": {"ok": 1, "not_found": 1},
        "website_domain": {"ok": 1, "not_found": 1},
        "place_country": {"not_found": 2},
        "size_band": {"ok": 1, "not_found": 1},
        "industry_table": {"not_found": 2},
    }
    assert (results["facts_added"], results["companies_changed"]) == (2, 1)
    assert results["coverage_before"] == results["coverage_after"] == round(4 / 18, 4)
    assert results["coverage_by_field"]["employee_count"] == 1
    assert (results["api_calls"], results["cost_usd"], results["errors"]) == (0, 0.0, {})
    assert (results["partial"], results["next_cursor"], results["skipped_fresh"]) == (
        False,
        None,
        0,
    )


async def test_the_best_fact_on_record_becomes_what_is_believed(world: World) -> None:
    acme = await world.company("Acme", employees=12)
    await world.fact(acme, "employees", 40, "accounts", 0.9)
    await world.fact(acme, "employees", 99, "rumour", 0.3)
    await world.fact(acme, "phone", "020 1", "list a", 0.6, age=timedelta(days=30))
    await world.fact(acme, "phone", "020 2", "list b", 0.6, age=timedelta(days=1))
    await world.run(EnrichmentAgent, await stream_of(world, acme))
    row = await company(world, acme)
    assert (row["employees"], row["phone"], row["employees_band"]) == (40, "020 2", "11-50")


async def test_facts_that_fit_no_column_are_passed_over(world: World) -> None:
    acme = await world.company("Acme", facts=False)
    for field, value in MISFITS:
        await world.fact(acme, field, value)
    before = await company(world, acme)
    results = await world.run(EnrichmentAgent, await stream_of(world, acme))
    assert await company(world, acme) == before
    assert results["by_provider"]["imported_facts"] == {"not_found": 1}


async def test_a_value_that_somebody_typed_in_gives_way_only_to_a_better_fact(
    world: World,
) -> None:
    acme = await world.company("Acme", facts=False, phone="typed in", town="typed in")
    await world.fact(acme, "phone", "guessed", "rumour", 0.3)
    await world.fact(acme, "town", "Leeds", "register", 0.9)
    await world.run(EnrichmentAgent, await stream_of(world, acme))
    row = await company(world, acme)
    assert (row["phone"], row["town"]) == ("typed in", "Leeds")


async def test_a_conclusion_is_drawn_again_when_its_origin_changes(world: World) -> None:
    acme = await world.company("Acme", employees=12)
    stream_id = await stream_of(world, acme)
    await world.run(EnrichmentAgent, stream_id)
    await world.fact(acme, "employees", 700, "accounts", 0.9)
    await world.run(EnrichmentAgent, stream_id)
    assert (await company(world, acme))["employees_band"] == "501-1000"
    results = await world.run(EnrichmentAgent, stream_id, force=True)
    assert (await company(world, acme))["employees_band"] == "501-1000"
    assert (results["companies_changed"], results["facts_added"]) == (0, 0)


async def test_who_is_fresh_is_not_asked_again_until_something_changes(world: World) -> None:
    acme = await world.company("Acme", employees=12)
    stream_id = await stream_of(world, acme)
    await world.run(EnrichmentAgent, stream_id)
    before = await world.all("SELECT * FROM facts ORDER BY id")
    again = await world.run(EnrichmentAgent, stream_id)
    assert (again["items_updated"], again["skipped_fresh"]) == (0, 1)
    assert await world.all("SELECT * FROM facts ORDER BY id") == before
    assert len(await world.all("SELECT FROM stream_insights")) == 1
    await world.fact(acme, "phone", "020 1")
    assert (await world.run(EnrichmentAgent, stream_id))["fields_filled"] == {"phone": 1}
    assert (await world.run(EnrichmentAgent, stream_id, force=True))["items_updated"] == 1


async def test_a_company_that_changed_is_due_again(world: World) -> None:
    acme = await world.company("Acme", facts=False)
    stream_id = await stream_of(world, acme)
    await world.run(EnrichmentAgent, stream_id)
    await world.db.execute("UPDATE companies SET employees = 12, updated_at = oppspot_now()")
    results = await world.run(EnrichmentAgent, stream_id)
    assert results["fields_filled"] == {"employees_band": 1}


async def test_what_is_seen_again_is_fresh_and_stays_one_fact(world: World) -> None:
    provider = Register(phone)
    kind = with_providers(provider)
    acme = await world.company("Acme", facts=False)
    stream_id = await stream_of(world, acme)
    await world.run(kind, stream_id)
    await world.db.execute("UPDATE facts SET observed_at = observed_at - interval '9 days'")
    await world.db.execute("UPDATE companies SET phone = NULL")
    results = await world.run(kind, stream_id, force=True)
    (fact,) = await world.all("SELECT oppspot_now() - observed_at AS age FROM facts")
    assert fact["age"] < timedelta(days=1)
    assert results["facts_added"] == 1


async def test_an_older_sight_of_a_fact_does_not_make_it_older(world: World) -> None:
    acme = await world.company("Acme", phone="020 1")
    before = await world.all("SELECT * FROM facts")
    old = Fact("phone", "020 1", "import:test", 0.1, before[0]["observed_at"] - timedelta(days=9))
    stream_id = await stream_of(world, acme)
    ctx = await world.context(EnrichmentAgent, stream_id)
    await ctx.items.save_enrichment([Enriched(acme, [old])])
    assert await world.all("SELECT * FROM facts") == before


async def test_what_a_source_says_now_counts_and_not_what_it_said_before(world: World) -> None:
    acme = await world.company("Acme", facts=False)
    await world.fact(acme, "phone", "020 1", "register", 0.9, age=timedelta(days=20))
    await world.fact(acme, "phone", "020 2", "register", 0.7, age=timedelta(days=1))
    stream_id = await stream_of(world, acme)
    for _ in range(2):
        await world.run(EnrichmentAgent, stream_id, force=True)
        assert (await company(world, acme))["phone"] == "020 2"


async def test_a_provider_that_knows_better_now_is_believed(world: World) -> None:
    def unsure(company: Company, ctx: Context) -> list[Fact]:
        return [Fact("phone", "020 2", "register", 0.5, ctx.task.started_at)]

    acme = await world.company("Acme", phone="020 1", source="register", confidence=0.9)
    await world.run(with_providers(Register(unsure)), await stream_of(world, acme))
    assert (await company(world, acme))["phone"] == "020 2"


async def test_an_old_conclusion_on_record_does_not_come_back(world: World) -> None:
    acme = await world.company("Acme", employees=700, source="accounts", confidence=0.9)
    stream_id = await stream_of(world, acme)
    await world.run(EnrichmentAgent, stream_id)
    await world.fact(acme, "employees", 12, "register", 0.95, age=timedelta(days=30))
    await world.run(EnrichmentAgent, stream_id)
    assert (await company(world, acme))["employees_band"] == "11-50"
    config = {"providers": ["imported_facts"]}
    await world.run(EnrichmentAgent, stream_id, force=True, config=config)
    assert (await company(world, acme))["employees_band"] == "11-50"


async def test_a_provider_is_asked_again_when_its_time_to_live_is_over(world: World) -> None:
    provider = Register(phone)
    kind = with_providers(provider)
    stream_id = await stream_of(world, await world.company("Acme", facts=False))
    for days, asked in ((0, 1), (6, 1), (8, 2)):
        await world.db.execute(
            "UPDATE enrichment_checks SET checked_at = oppspot_now() - %s", (timedelta(days=days),)
        )
        await world.db.execute("UPDATE companies SET updated_at = '2020-01-01'")
        await world.run(kind, stream_id)
        assert len(provider.asked) == asked


async def test_more_companies_than_a_page_are_all_enriched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company_run, "PAGE", 10)
    ids = [await world.company(f"Company {n}", employees=n + 1) for n in range(51)]
    stream_id = await stream_of(world, *ids)
    results = await world.run(EnrichmentAgent, stream_id)
    assert (results["items_updated"], results["enriched_count"]) == (51, 51)
    missing = await world.all("SELECT FROM stream_items WHERE enriched_at IS NULL")
    assert missing == []


async def test_a_run_with_a_limit_says_so_and_the_next_one_goes_on(world: World) -> None:
    ids = [await world.company(f"Company {n}", employees=n + 1) for n in range(5)]
    stream_id = await stream_of(world, *ids)
    first = await world.run(EnrichmentAgent, stream_id, config={"max_items": 3})
    assert (first["items_updated"], first["partial"], first["skipped_fresh"]) == (3, True, 0)
    second = await world.run(EnrichmentAgent, stream_id, config={"max_items": 3})
    assert (second["items_updated"], second["partial"], second["skipped_fresh"]) == (2, False, 3)
    enriched = await world.all(
        "SELECT company_id FROM stream_items ORDER BY enriched_at, company_id"
    )
    assert first["next_cursor"] in {str(row["company_id"]) for row in enriched[3:]}


async def test_a_retry_goes_on_where_the_last_attempt_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company_run, "PAGE", 2)
    ids = [await world.company(f"Company {n}", facts=False) for n in range(6)]
    stream_id = await stream_of(world, *ids)

    def failing_at_the_fifth(company: Company, ctx: Context) -> list[Fact]:
        if len(provider.asked) == 5:
            raise Snooze(after=60)
        return phone(company, ctx)

    provider = Register(failing_at_the_fifth)
    kind, steps = with_providers(provider), Steps()
    ctx = await world.context(kind, stream_id, steps=steps, force=True)
    with pytest.raises(Snooze):
        await begin(kind, ctx)
    again = await world.context(kind, stream_id, steps=steps, task=ctx.task, force=True)
    object.__setattr__(again.task, "attempt", 2)
    results = await finish(world.db, *await begin(kind, again))
    assert results["items_updated"] == 6
    assert len(provider.asked) == 4 + 1 + 2  # two pages, one broken off, that page again
    assert len(set(provider.asked)) == 6


async def test_one_failing_provider_does_not_stop_the_others(world: World) -> None:
    def broken(company: Company, ctx: Context) -> list[Fact]:
        raise ConnectionError("no answer")

    acme = await world.company("Acme", employees=12)
    kind = with_providers(Register(broken), *on_record(), *conclusions())
    results = await world.run(kind, await stream_of(world, acme))
    assert results["by_provider"]["register"] == {"error": 1}
    assert results["errors"] == {"ConnectionError": 1}
    assert (await company(world, acme))["employees_band"] == "11-50"


async def test_a_run_in_which_every_provider_fails_is_an_error(world: World) -> None:
    def broken(company: Company, ctx: Context) -> list[Fact]:
        raise ConnectionError("no answer")

    kind = with_providers(Register(broken))
    stream_id = await stream_of(world, await world.company("Acme"))
    _, _, results = await begin(kind, await world.context(kind, stream_id))
    assert "every provider failed" in results["error"]


async def test_a_failed_provider_is_asked_again_sooner_but_not_in_the_same_task(
    world: World,
) -> None:
    def broken(company: Company, ctx: Context) -> list[Fact]:
        raise ConnectionError("no answer")

    provider = Register(broken)
    kind = with_providers(provider)
    stream_id = await stream_of(world, await world.company("Acme"))
    for minutes, asked in ((0, 1), (10, 1), (20, 2)):
        await world.db.execute(
            "UPDATE enrichment_checks SET checked_at = oppspot_now() - %s",
            (timedelta(minutes=minutes),),
        )
        await world.db.execute("UPDATE companies SET updated_at = '2020-01-01'")
        await begin(kind, await world.context(kind, stream_id))
        assert len(provider.asked) == asked


async def test_a_provider_is_asked_only_for_what_it_can_fill(world: World) -> None:
    provider = Register(phone)
    kind = with_providers(provider)
    ids = [await world.company("Has one", phone="1"), await world.company("Has none")]
    results = await world.run(kind, await stream_of(world, *ids))
    assert provider.asked == ["Has none"]
    assert results["by_provider"]["register"] == {"ok": 1, "cached": 1}


async def test_what_a_provider_has_no_business_to_say_is_not_taken(world: World) -> None:
    def meddling(company: Company, ctx: Context) -> list[Fact]:
        return [Fact("employees", 1_000, "register", 1.0, ctx.task.started_at)]

    acme = await world.company("Acme", employees=5)
    await world.run(with_providers(Register(meddling)), await stream_of(world, acme))
    assert (await company(world, acme))["employees"] == 5


async def test_only_chosen_providers_and_companies_are_asked(world: World) -> None:
    ids = [
        await world.company(f"Company {n}", employees=9, website="https://a.com") for n in (1, 2)
    ]
    stream_id = await stream_of(world, *ids)
    config = {"providers": ["size_band"], "company_ids": [str(ids[0])]}
    results = await world.run(EnrichmentAgent, stream_id, config=config)
    assert list(results["by_provider"]) == ["size_band"]
    assert (await company(world, ids[0]))["employees_band"] == "1-10"
    assert (await company(world, ids[0]))["domain"] is None
    assert (await company(world, ids[1]))["employees_band"] is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"providers": ["oracle"]}, "unknown oracle; known: imported_facts"),
        ({"max_items": 0}, "execution_config.max_items: "),
        ({"company_ids": ["x"]}, "execution_config.company_ids.0: "),
    ],
)
async def test_bad_input_fails_with_the_name_of_the_field(
    world: World, config: dict[str, Any], message: str
) -> None:
    ctx = await world.context(EnrichmentAgent, await world.stream(), config=config)
    with pytest.raises(Fail) as caught:
        await begin(EnrichmentAgent, ctx)
    assert message in str(caught.value)


async def test_two_enrichments_at_once_of_the_same_companies_agree(world: World) -> None:
    ids = [await world.company(f"Company {n}", employees=n + 1) for n in range(20)]
    streams = [await stream_of(world, *ids), await stream_of(world, *reversed(ids))]
    await asyncio.gather(*(world.run(EnrichmentAgent, stream_id) for stream_id in streams))
    rows = await world.all("SELECT FROM facts WHERE source = 'size_band'")
    assert len(rows) == 20


async def test_what_one_organisation_knows_stays_out_of_a_public_company(world: World) -> None:
    org_id = await world.organisation()
    public = await world.company("Public")
    own = await world.company("Own", org_id=org_id)
    for company_id in (public, own):
        await world.fact(company_id, "phone", "secret", confidence=1.0, org_id=org_id)
    await world.run(
        EnrichmentAgent, await stream_of(world, public, own, org_id=org_id), org_id=org_id
    )
    assert (await company(world, public))["phone"] is None
    assert (await company(world, own))["phone"] == "secret"


async def test_conclusions_about_an_own_company_belong_to_the_organisation(world: World) -> None:
    org_id = await world.organisation()
    own = await world.company("Own", org_id=org_id, employees=12)
    await world.run(EnrichmentAgent, await stream_of(world, own, org_id=org_id), org_id=org_id)
    row = await world.one("SELECT org_id FROM facts WHERE source = 'size_band'")
    assert row["org_id"] == org_id


async def test_an_insight_with_evidence_and_the_progress_are_written(world: World) -> None:
    acme = await world.company("Acme", employees=12)
    results = await world.run(EnrichmentAgent, await stream_of(world, acme))
    insight = await world.one("SELECT * FROM stream_insights")
    assert results["insights"] == [str(insight["id"])]
    assert insight["title"] == "1 of 1 companies enriched: 22% of the fields are known"
    assert insight["evidence"]["by_provider"]["size_band"] == {"ok": 1}
    progress = (await world.one("SELECT progress FROM streams"))["progress"]
    assert progress["enrichment"]["enriched_count"] == 1
    assert list(results["by_provider"]) == BUILT_IN
