"""The register of UK companies: how it is asked, and what is made of odd answers."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from oppspot_runner.base.errors import MalformedAnswerError
from oppspot_runner.connectors.companies_house import XHTML, CompaniesHouse, public_page
from oppspot_runner.connectors.companies_house_answers import Filing, Profile
from tests.connectors.answering import SEEN_AT, Answering

NUMBER = "01234567"
PROFILE = {
    "company_name": "HARBOUR LEDGER LIMITED",
    "company_number": NUMBER,
    "company_status": "active",
    "company_status_detail": "active-proposal-to-strike-off",
    "type": "ltd",
    "jurisdiction": "england-wales",
    "date_of_creation": "2015-03-04",
    "sic_codes": ["62012"],
    "registered_office_address": {"locality": "LONDON", "postal_code": "N1 1AA"},
    "accounts": {
        "accounting_reference_date": {"day": "31", "month": "03"},
        "last_accounts": {"type": "micro-entity", "made_up_to": "2025-03-31"},
        "next_accounts": {"due_on": "2026-12-31", "overdue": False},
    },
    "confirmation_statement": {"next_due": "2026-04-01", "overdue": True},
    "previous_company_names": [{"name": "QUAY BOOKS LTD", "ceased_on": "2019-01-02"}],
    "etag": "x",
    "something_new": {"deep": [1]},
}


def officer(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "officer_role": "director", "appointed_on": "2020-01-02", **more}


def ask(web: Answering) -> CompaniesHouse:
    return CompaniesHouse(web.web())


async def profile(answer: Any) -> Profile | None:
    return await ask(Answering({f"company/{NUMBER}": answer})).profile(NUMBER)


async def test_a_profile_has_what_is_used_of_it_and_ignores_the_rest() -> None:
    found = await profile(PROFILE)
    assert found is not None
    assert (found.company_name, found.company_number) == ("HARBOUR LEDGER LIMITED", NUMBER)
    assert (found.date_of_creation, found.seen_at) == (date(2015, 3, 4), SEEN_AT)
    assert found.accounts is not None
    assert found.accounts.last_accounts is not None
    assert found.accounts.last_accounts.type == "micro-entity"
    assert found.confirmation_statement is not None
    assert found.confirmation_statement.overdue is True
    assert found.confirmation_statement.due_on == date(2026, 4, 1)
    assert found.previous_company_names is not None
    assert found.previous_company_names[0].name == "QUAY BOOKS LTD"


async def test_there_is_no_such_company() -> None:
    assert await profile(None) is None


async def test_what_is_not_required_may_be_anything() -> None:
    odd = {
        **PROFILE,
        "date_of_creation": "long ago",
        "sic_codes": "62012",
        "accounts": [],
        "registered_office_address": "London",
        "has_charges": "perhaps",
        "previous_company_names": [{"ceased_on": "2019-01-02"}],
    }
    found = await profile(odd)
    assert found is not None
    assert found.company_status == "active"
    left = (found.date_of_creation, found.sic_codes, found.accounts, found.has_charges)
    assert left == (None, None, None, None)
    assert found.registered_office_address is None
    assert found.previous_company_names is None


@pytest.mark.parametrize("missing", ["company_name", "company_number"])
async def test_a_profile_without_what_is_required_is_malformed(missing: str) -> None:
    answer = {key: value for key, value in PROFILE.items() if key != missing}
    with pytest.raises(MalformedAnswerError, match=f"without a usable {missing}"):
        await profile(answer)


@pytest.mark.parametrize("answer", [[1], "text", b"<html>Bad gateway</html>", b'{"company_n'])
async def test_what_is_no_json_object_is_malformed(answer: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        await profile(answer)


async def test_all_pages_of_the_officers_are_read() -> None:
    everybody = [officer(f"SMITH, Number {number}") for number in range(230)]

    def page(params: dict[str, Any]) -> dict[str, Any]:
        start, size = params["start_index"], params["items_per_page"]
        return {"total_results": 230, "items": everybody[start : start + size]}

    web = Answering({f"company/{NUMBER}/officers": page})
    found = await ask(web).officers(NUMBER)
    assert [one.name for one in found.items] == [one["name"] for one in everybody]
    assert [params["start_index"] for _, params in web.asked] == [0, 100, 200]


@pytest.mark.parametrize("total", [1_000_000, "12", None])
async def test_paging_ends_whatever_the_total_says(total: Any) -> None:
    def page(params: dict[str, Any]) -> dict[str, Any]:
        return {
            "total_results": total,
            "items": [officer("A")] if not params["start_index"] else [],
        }

    web = Answering({f"company/{NUMBER}/officers": page})
    assert len((await ask(web).officers(NUMBER)).items) == 1
    assert len(web.asked) <= 2


async def test_a_list_without_end_is_cut() -> None:
    endless = {"total_results": 10**9, "items": [officer("A")] * 100}
    web = Answering({f"company/{NUMBER}/officers": endless})
    assert len((await ask(web).officers(NUMBER)).items) == 1_000
    assert len(web.asked) == 10


async def test_items_without_what_is_required_are_left_out_and_counted() -> None:
    items = [officer("A"), {"name": "B"}, {"officer_role": "director"}, None, "x", officer("")]
    web = Answering({f"company/{NUMBER}/officers": {"total_results": 6, "items": items}})
    found = await ask(web).officers(NUMBER)
    assert ([one.name for one in found.items], found.drifted) == (["A"], 5)


async def test_no_list_is_no_item_and_another_shape_is_malformed() -> None:
    path = f"company/{NUMBER}/officers"
    assert (await ask(Answering({path: {"items": None}})).officers(NUMBER)).items == ()
    assert (await ask(Answering()).officers(NUMBER)).items == ()
    with pytest.raises(MalformedAnswerError, match="items that are no list"):
        await ask(Answering({path: {"items": {"a": 1}}})).officers(NUMBER)


@pytest.mark.parametrize("hits", [2, "2"])
async def test_the_number_of_hits_may_be_text(hits: Any) -> None:
    item = {"company_name": "A LTD", "company_number": "00000001", "sic_codes": ["62012"]}
    web = Answering({"advanced-search/companies": {"hits": hits, "items": [item]}})
    found = await ask(web).advanced_search({"sic_codes": "62012"}, size=10)
    assert (found.total, found.items[0].sic_codes) == (2, ("62012",))
    assert web.asked[0][1] == {"sic_codes": "62012", "size": 10, "start_index": 0}


async def test_no_match_is_an_empty_list() -> None:
    found = await ask(Answering()).advanced_search({"sic_codes": "62012"})
    assert (found.items, found.total) == ((), 0)


async def test_both_searches_give_companies() -> None:
    item = {"title": "A LTD", "company_number": 12, "address": {"postal_code": "N1 1AA"}}
    web = Answering({"search/companies": {"total_results": 1, "items": [item]}})
    (found,) = (await ask(web).search("a")).items
    assert (found.company_name, found.company_number) == ("A LTD", "12")
    assert found.address is not None
    assert found.address.postal_code == "N1 1AA"


def test_the_document_of_a_filing_is_known_by_its_link() -> None:
    def filing(link: Any) -> Filing:
        return Filing.model_validate(
            {
                "transaction_id": "t",
                "category": "accounts",
                "date": "2025-05-01",
                "links": {"document_metadata": link},
            }
        )

    assert filing("https://document.test/document/Ab-_9").document_id == "Ab-_9"
    for link in (None, "", 7, "https://document.test/document/../../key", "https://x.test/"):
        assert filing(link).document_id is None


async def test_a_document_is_fetched_in_the_wanted_form_only() -> None:
    web = Answering(
        {
            "document/D": {"resources": {XHTML: {"content_length": 3}, "application/pdf": {}}},
            "document/D/content": b"<html/>",
            "document/P": {"resources": {"application/pdf": {}}},
            "document/Gone": {"resources": {XHTML: {}}},
        }
    )
    found = await ask(web).document("D")
    assert found is not None
    assert found.content == b"<html/>"
    assert await ask(web).document("P") is None
    assert await ask(web).document("Gone") is None
    assert await ask(web).document("Never") is None
    assert "document/P/content" not in [path for path, _ in web.asked]


def test_people_find_a_company_on_its_public_page() -> None:
    page = public_page(NUMBER, "/officers")
    assert page.startswith("https://find-and-update.")
    assert page.endswith("/01234567/officers")
