"""The made register answers in the shapes of the real one, with its keys, limits and oddities."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from oppspot_runner.connectors.accounts import read_head_counts
from oppspot_runner.testing.world import Accounts, Content, Limit, RegisteredCompany, World
from oppspot_runner.testing.world.documents import XHTML
from tests.fake_world.asking import WITH_KEY, ask, basic, register

NUMBER = "10000007"


def test_a_company_has_its_profile_with_days_and_months_as_text(world: World) -> None:
    got = register(world, f"company/{NUMBER}").json
    assert (got["company_name"], got["company_status"]) == ("HARBOUR LEDGER LIMITED", "active")
    reference = got["accounts"]["accounting_reference_date"]
    assert all(isinstance(one, str) for one in reference.values())
    assert got["links"]["officers"] == f"/company/{NUMBER}/officers"


def test_who_has_the_profile_already_is_told_so(world: World) -> None:
    etag = register(world, f"company/{NUMBER}").headers["etag"]
    again = ask(world, f"/ch/company/{NUMBER}", {**WITH_KEY, "If-None-Match": etag})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    ("headers", "why"),
    [({}, "Empty Authorization header"), (basic("another"), "Invalid Authorization")],
)
def test_without_the_key_nothing_is_said(headers: dict[str, str], why: str, world: World) -> None:
    for path in (f"/ch/company/{NUMBER}", "/ch-doc/document/1"):
        got = ask(world, path, headers)
        assert (got.status, got.json) == (401, {"error": why, "type": "ch:service"})


def test_what_there_is_not_has_the_name_of_its_error(world: World) -> None:
    got = register(world, "company/99999999")
    assert got.status == 404
    assert got.json["errors"][0]["error"] == "company-profile-not-found"
    for path in ("company/99999999/officers", "officers/nobody/appointments", "nothing"):
        assert register(world, path).status == 404


def test_the_advanced_search_meets_all_criteria_and_counts_in_text(world: World) -> None:
    got = register(
        world,
        "advanced-search/companies?sic_codes=62012,64999&location=leeds&company_status=active"
        "&incorporated_from=2005-01-01&incorporated_to=2025-12-31&size=3&start_index=1",
    ).json
    assert isinstance(got["hits"], str)
    assert len(got["items"]) == min(3, int(got["hits"]) - 1)
    for one in got["items"]:
        assert {"62012", "64999"} & set(one["sic_codes"])
        assert one["registered_office_address"]["locality"] == "Leeds"
        assert "2005-01-01" <= one["date_of_creation"] <= "2025-12-31"
        assert one["company_status"] == "active"


def test_a_search_without_a_match_is_not_found(world: World) -> None:
    assert register(world, "advanced-search/companies?location=atlantis").status == 404


def test_the_search_does_not_know_every_parameter(world: World) -> None:
    every = register(world, "advanced-search/companies").json["hits"]
    assert register(world, "advanced-search/companies?company_name=x").json["hits"] == every
    named = register(world, "advanced-search/companies?company_name_includes=harbour").json
    assert 0 < int(named["hits"]) < int(every)


@pytest.mark.parametrize(
    "wrong",
    ["size=5001", "size=0", "size=x", "company_status=happy", "incorporated_from=2020", "size=-1"],
)
def test_criteria_that_make_no_sense_are_refused(wrong: str, world: World) -> None:
    assert register(world, f"advanced-search/companies?{wrong}").status == 400


def test_companies_are_found_by_the_words_of_their_names(world: World) -> None:
    got = register(world, "search/companies?q=harbour+ledger&items_per_page=5").json
    assert (got["kind"], got["total_results"]) == ("search#companies", 1)
    assert got["items"][0]["matches"]["title"] == [1, 14]


def test_officers_are_people_with_other_appointments(world: World) -> None:
    got = register(world, f"company/{NUMBER}/officers?order_by=appointed_on").json
    (officer,) = got["items"]
    assert (officer["name"], got["active_count"]) == ("ABERNETHY, Aoife", 1)
    own = register(world, officer["links"]["officer"]["appointments"].strip("/")).json
    assert NUMBER in {one["appointed_to"]["company_number"] for one in own["items"]}


def test_filings_are_newest_first_and_of_the_categories_asked_for(world: World) -> None:
    got = register(world, f"company/{NUMBER}/filing-history?category=accounts,capital").json
    dates = [one["date"] for one in got["items"]]
    assert dates == sorted(dates, reverse=True)
    assert {one["category"] for one in got["items"]} <= {"accounts", "capital"}
    assert got["total_count"] == len(dates)


def test_charges_insolvency_and_owners_are_there_where_there_are_any(world: World) -> None:
    companies = world.content.companies
    charged = next(one for one in companies if one.charges)
    assert register(world, f"company/{charged.number}/charges").json["total_count"] == 1
    wound_up = next(one for one in companies if one.insolvent_since)
    assert register(world, f"company/{wound_up.number}/insolvency").json["cases"]
    owners = f"company/{NUMBER}/persons-with-significant-control"
    assert register(world, owners).json["total_results"] == 1
    assert register(world, f"company/{NUMBER}/insolvency").status == 404


def test_a_document_lies_in_a_storage_that_wants_no_key(world: World) -> None:
    name = world.documents_of(NUMBER)[0]
    metadata = ask(world, f"/ch-doc/document/{name}", WITH_KEY).json
    assert XHTML in metadata["resources"]
    got = ask(world, f"/ch-doc/document/{name}/content", {**WITH_KEY, "Accept": XHTML})
    assert got.status == 302
    path = got.headers["location"].partition(".localhost")[2].partition("/")[2]
    stored = ask(world, f"/{path}", host="storage.localhost")
    assert (stored.status, stored.headers["content-type"]) == (200, XHTML)
    assert ask(world, f"/{path}", WITH_KEY, host="storage.localhost").status == 400
    assert ask(world, f"/{path}x", host="storage.localhost").status == 403


@pytest.mark.parametrize("on_paper", [True, False])
def test_accounts_on_paper_have_no_values(on_paper: bool) -> None:
    accounts = Accounts(date(2025, 3, 31), date(2025, 9, 1), 12, on_paper=on_paper)
    company = RegisteredCompany("01234567", "Quay Books Ltd", accounts=(accounts,))
    with World(Content(companies=[company])) as world:
        name = world.documents_of("01234567")[0]
        headers = {**WITH_KEY, "Accept": XHTML}
        status = ask(world, f"/ch-doc/document/{name}/content", headers).status
    assert status == (406 if on_paper else 302)


@pytest.mark.parametrize("number", ["01234561", "01234562", "01234563", "01234564"])
@pytest.mark.parametrize("people", [0, 7, 40, 1_200])
def test_accounts_state_both_years_in_whatever_form(number: str, people: int) -> None:
    ends = date(2025, 3, 31)
    before = Accounts(ends - timedelta(days=365), date(2024, 9, 1), 30)
    accounts = (Accounts(ends, date(2025, 9, 1), people), before)
    company = RegisteredCompany(number, "Quay & Books Ltd", accounts=accounts)
    with World(Content(companies=[company])) as world:
        name = world.documents_of(number)[0]
        headers = {**WITH_KEY, "Accept": XHTML}
        place = ask(world, f"/ch-doc/document/{name}/content", headers).headers["location"]
        path = place.partition(".localhost")[2].partition("/")[2]
        document = ask(world, f"/{path}", host="storage.localhost").body
    stated = [(one.as_of, one.count) for one in read_head_counts(document)]
    assert stated == [(ends, people), (before.made_up_to, 30)]


def test_data_and_documents_share_a_limit_and_its_window_is_told() -> None:
    with World(limits={"companies_house": Limit(3, 3_600.0)}) as world:
        path = f"company/{NUMBER}"
        got = [register(world, path), ask(world, "/ch-doc/document/x", WITH_KEY)]
        got += [register(world, path), register(world, path)]
        assert [one.status for one in got] == [200, 404, 200, 429]
        assert got[0].headers["x-ratelimit-remain"] == "2"
        assert int(got[-1].headers["x-ratelimit-reset"]) > world.clock.seconds
        world.reset()
        assert register(world, path).status == 200
