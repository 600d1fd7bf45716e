"""What the providers of the register make of its answers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from oppspot_runner.agents.enrichment import EnrichmentAgent
from tests.agents.register import SOURCES, Register, filing, head_counts, number
from tests.connectors.answering import SEEN_AT
from tests.streams.world import World

HARBOUR = "Harbour Ledger Ltd"
PAGE = f"https://find-and-update.company-information.service.gov.uk/company/{number(7)}"


@pytest.fixture
def register() -> Register:
    register = Register()
    register.company(7, HARBOUR)
    return register


async def enrich(
    world: World, register: Register, *, force: bool = False, **company: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Enriches one company; its row, and the output."""
    company_id = await world.company(**{"name": HARBOUR, **company})
    return await enrich_again(world, register, company_id, force=force)


async def enrich_again(
    world: World, register: Register, company_id: Any, *, force: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    stream_id = await world.stream()
    await world.item(stream_id, company_id)
    results = await world.run(EnrichmentAgent, stream_id, web=register.web(*SOURCES), force=force)
    return await world.one("SELECT * FROM companies WHERE id = %s", company_id), results


async def fact(world: World, field: str, source: str) -> dict[str, Any]:
    return await world.one(
        "SELECT * FROM facts WHERE field = %s AND source = %s ORDER BY id DESC LIMIT 1",
        field,
        source,
    )


async def test_the_register_s_values_are_facts_with_their_public_page(
    world: World, register: Register
) -> None:
    row, results = await enrich(world, register, company_number="7", country="GB")
    assert (row["status"], row["incorporated"]) == ("active", date(2015, 3, 4))
    assert (row["town"], row["region"], row["country"]) == ("Stoke-on-Trent", "England", "GB")
    assert row["sic_codes"] == ["62012", "62020"]
    status = await fact(world, "status", "register")
    assert (status["confidence"], status["observed_at"]) == (pytest.approx(0.95), SEEN_AT)
    assert status["source_url"] == PAGE
    assert results["by_provider"]["register"] == {"ok": 1}
    assert results["api_calls"] == 5


async def test_both_head_counts_and_the_growth_come_from_the_accounts(
    world: World, register: Register
) -> None:
    row, results = await enrich(world, register, company_number="7", employees=99)
    assert (row["employees"], row["employees_band"]) == (15, "11-50")
    count = await fact(world, "employees", "accounts")
    assert (count["valid_from"], count["confidence"]) == (date(2025, 3, 31), pytest.approx(0.9))
    assert count["source_url"] == f"{PAGE}/filing-history"
    assert (await fact(world, "growth_rate", "accounts"))["value"] == 25.0
    growth = (await fact(world, "employee_growth", "accounts"))["value"]
    assert growth == {
        "percent": 25.0,
        "reason": "12 until 2024-03-31, 15 until 2025-03-31",
        "counts": [
            {"as_of": "2025-03-31", "count": 15},
            {"as_of": "2024-03-31", "count": 12},
        ],
    }
    kept = await world.all("SELECT value, source FROM facts WHERE field = 'employees' ORDER BY id")
    assert [(one["value"], one["source"]) for one in kept] == [
        (99, "import:test"),
        (15, "accounts"),
    ]
    assert results["fields_filled"]["growth_rate"] == 1


async def test_one_count_has_no_growth_but_its_reason(world: World, register: Register) -> None:
    register.document("D7", head_counts(("2025-03-31", "15")))
    row, _ = await enrich(world, register, company_number="7")
    assert row["employees"] == 15
    growth = (await fact(world, "employee_growth", "accounts"))["value"]
    assert (growth["percent"], growth["reason"]) == (None, "one observation")
    assert not await world.all("SELECT FROM facts WHERE field = 'growth_rate'")


async def test_older_accounts_on_record_count_for_the_growth(
    world: World, register: Register
) -> None:
    register.document("D7", head_counts(("2025-03-31", "15")))
    row, _ = await enrich(world, register, company_number="7")
    register.document("D7", head_counts(("2026-03-31", "30")))
    row, _ = await enrich_again(world, register, row["id"], force=True)
    assert row["employees"] == 30
    assert (await fact(world, "growth_rate", "accounts"))["value"] == 100.0


async def test_nobody_is_no_head_count_and_still_an_observation(
    world: World, register: Register
) -> None:
    register.document("D7", head_counts(("2025-03-31", "0"), ("2024-03-31", "4")))
    row, _ = await enrich(world, register, company_number="7")
    assert row["employees"] is None
    assert (await fact(world, "growth_rate", "accounts"))["value"] == -100.0


async def test_the_kind_of_the_accounts_says_at_least_a_band(
    world: World, register: Register
) -> None:
    register.answers[f"company/{number(7)}/filing-history"] = None
    row, results = await enrich(world, register, company_number="7")
    assert (row["employees"], row["employees_band"]) == (None, "1-10")
    assert (await fact(world, "employees_band", "register"))["confidence"] == pytest.approx(
        0.3, abs=0.02
    )
    assert results["by_provider"]["accounts"] == {"not_found": 1}


async def test_accounts_on_paper_are_passed_over_for_older_ones(
    world: World, register: Register
) -> None:
    register.document("Paper", None, "application/pdf")
    register.answers[f"company/{number(7)}/filing-history"] = {
        "items": [filing(1, None), filing(2, "Paper"), filing(3, "D7")]
    }
    row, _ = await enrich(world, register, company_number="7")
    assert row["employees"] == 15
    assert "document/Paper/content" not in register.paths


async def test_accounts_that_cannot_be_read_are_an_error_of_that_company(
    world: World, register: Register
) -> None:
    register.document("D7", b"%PDF-1.7")
    row, results = await enrich(world, register, company_number="7")
    assert row["employees"] is None
    assert results["errors"] == {"MALFORMED_ANSWER": 1}
    assert (results["by_provider"]["accounts"], results["partial"]) == ({"error": 1}, True)


async def test_officers_are_those_of_now(world: World, register: Register) -> None:
    await enrich(world, register, company_number="7")
    officers = await fact(world, "officers", "officers")
    assert officers["value"] == [
        {"name": "SMITH, Ada", "role": "director", "appointed_on": "2020-01-02"},
        {"name": "LEDGER NOMINEES LTD", "role": "corporate-secretary"},
    ]
    assert officers["source_url"] == f"{PAGE}/officers"


async def test_what_no_column_holds_is_kept_beside(world: World, register: Register) -> None:
    register.company(
        7,
        HARBOUR,
        has_charges=True,
        previous_company_names=[{"name": "QUAY BOOKS LTD"}],
        accounts={"next_accounts": {"overdue": True}},
    )
    await enrich(world, register, company_number="7")
    noted = (await fact(world, "register", "register"))["value"]
    assert (noted["has_charges"], noted["accounts_overdue"]) == (True, True)
    assert noted["previous_names"] == ["QUAY BOOKS LTD"]


@pytest.mark.parametrize(
    "company",
    [
        {"company_number": "HRB 1234", "country": "DE"},
        {"company_number": "not a number"},
        {"country": "IE"},
        {},
    ],
)
async def test_a_company_that_is_not_of_the_uk_is_not_asked_about(
    world: World, register: Register, company: dict[str, Any]
) -> None:
    if "company_number" in company:
        company["company_number"] = company["company_number"].upper().replace(" ", "")
    _, results = await enrich(world, register, **company)
    assert register.asked == []
    assert results["by_provider"]["register"] == {"not_found": 1}


def found(place: int, title: str, status: str = "active") -> dict[str, Any]:
    return {"title": title, "company_number": number(place), "company_status": status}


async def test_a_company_without_a_number_is_known_by_its_exact_name(
    world: World, register: Register
) -> None:
    hits = [found(7, "THE HARBOUR LEDGER LIMITED"), found(8, "HARBOUR LEDGERS LIMITED")]
    register.answers["search/companies"] = {"items": hits}
    row, results = await enrich(world, register, country="GB")
    assert (row["company_number"], row["town"], row["employees"]) == (None, "Stoke-on-Trent", 15)
    guess = await fact(world, "company_number", "register")
    assert (guess["value"], guess["confidence"]) == (number(7), pytest.approx(0.8))
    assert (await fact(world, "officers", "officers"))["confidence"] == pytest.approx(0.76)
    assert (await fact(world, "town", "register"))["confidence"] == pytest.approx(0.76)
    assert results["api_calls"] == 6


async def test_it_is_not_looked_for_again(world: World, register: Register) -> None:
    register.answers["search/companies"] = {"items": [found(7, HARBOUR)]}
    row, _ = await enrich(world, register, country="GB")
    register.asked.clear()
    _, results = await enrich_again(world, register, row["id"], force=True)
    assert "search/companies" not in register.paths
    assert results["by_provider"]["officers"] == {"ok": 1}


async def test_of_several_with_the_name_the_active_one_is_meant(
    world: World, register: Register
) -> None:
    hits = [found(7, HARBOUR), found(8, HARBOUR, "dissolved")]
    register.answers["search/companies"] = {"items": hits}
    row, _ = await enrich(world, register, country="GB")
    assert row["status"] == "active"


@pytest.mark.parametrize(
    "hits",
    [
        [],
        [found(8, "HARBOUR LEDGERS LTD")],
        [found(7, HARBOUR), found(8, "HARBOUR LEDGER PLC")],
        [found(7, HARBOUR, "dissolved"), found(8, HARBOUR, "liquidation")],
        [{"title": HARBOUR, "company_number": "../../key", "company_status": "active"}],
    ],
)
async def test_a_name_that_is_not_exact_or_not_the_only_one_is_nobody(
    world: World, register: Register, hits: list[dict[str, Any]]
) -> None:
    register.answers["search/companies"] = {"items": hits}
    row, results = await enrich(world, register, country="GB")
    assert register.paths == ["search/companies"]
    assert (row["town"], row["status"]) == (None, None)
    assert results["by_provider"]["register"] == {"not_found": 1}


async def test_no_address_of_ours_is_made_of_what_a_source_says(
    world: World, register: Register
) -> None:
    """A link of an answer may lead anywhere: only the id in it is used."""
    register.answers[f"company/{number(7)}/filing-history"] = {"items": [filing(1, "../../key")]}
    await enrich(world, register, company_number="7")
    assert not [path for path in register.paths if "key" in path]


async def test_a_company_that_the_bot_took_from_the_register_is_enriched_by_it(
    world: World, register: Register
) -> None:
    """What is on record comes back as a day or a tuple, what is answered now as text or a list."""
    record = {"company_number": number(7), "incorporated": "2015-03-04", "sic_codes": ["62012"]}
    company_id = await world.company(HARBOUR, facts=False, company_number=number(7))
    await world.fact(company_id, "*", record, "register", 0.95, age=timedelta(days=2_000))
    row, results = await enrich_again(world, register, company_id)
    assert row["incorporated"] == date(2015, 3, 4)
    assert results["by_provider"]["register"] == {"ok": 1}
    added = await world.all("SELECT FROM facts WHERE field <> '*'")
    assert results["facts_added"] == len(added)
