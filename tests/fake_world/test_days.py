"""The register of the world knows nothing of tomorrow."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from oppspot_runner.testing.world import (
    Accounts,
    Address,
    Charge,
    Content,
    Officer,
    RegisteredCompany,
    ShareIssue,
    World,
    made_content,
)
from oppspot_runner.testing.world.as_of import as_of
from oppspot_runner.testing.world.filings import history
from oppspot_runner.testing.world.world import NOW
from tests.fake_world.asking import WITH_KEY, ask, register

TODAY = NOW.date()
NUMBER = "01234567"


def in_days(days: int) -> date:
    return TODAY + timedelta(days=days)


COMPANY = RegisteredCompany(
    NUMBER,
    "Harbour Ledger Ltd",
    status="liquidation",
    ceased=in_days(9),
    insolvent_since=in_days(8),
    address=Address("2 New Road"),
    officers=(
        Officer("SMITH, Ada", appointed=in_days(-900), resigned=in_days(1)),
        Officer("JONES, Bo", appointed=in_days(2)),
    ),
    accounts=(Accounts(in_days(-20), in_days(3), 12), Accounts(in_days(-385), in_days(-200), 9)),
    share_issues=(ShareIssue(in_days(4), "1,500", amended=in_days(5)),),
    charges=(Charge(in_days(6), satisfied=in_days(7)),),
    previous_names=(("Quay Books Ltd", in_days(-2_000), in_days(5)),),
    previous_addresses=((Address("1 Old Road"), in_days(6)),),
)


def test_what_happens_is_shown_from_its_day_on() -> None:
    with World(Content(companies=[COMPANY])) as world:
        path = f"company/{NUMBER}"
        profile = register(world, path).json
        assert (profile["company_name"], profile["company_status"]) == ("QUAY BOOKS LTD", "active")
        assert profile["registered_office_address"]["address_line_1"] == "1 Old Road"
        assert profile["previous_company_names"] == []
        assert (profile["has_charges"], profile["has_insolvency_history"]) == (False, False)
        assert profile["accounts"]["last_accounts"]["made_up_to"] == in_days(-385).isoformat()
        (officer,) = register(world, f"{path}/officers").json["items"]
        assert "resigned_on" not in officer
        newest = COMPANY.accounts[0]
        (future,) = (one.document(COMPANY) for one in history(COMPANY) if one.accounts == newest)
        assert ask(world, f"/ch-doc/document/{future}", WITH_KEY).status == 404
        world.clock.advance(timedelta(days=10))
        assert ask(world, f"/ch-doc/document/{future}", WITH_KEY).status == 200
        profile = register(world, path).json
        assert profile["company_name"] == "HARBOUR LEDGER LTD"
        assert profile["company_status"] == "liquidation"
        assert profile["registered_office_address"]["address_line_1"] == "2 New Road"
        assert register(world, f"{path}/charges").json["satisfied_count"] == 1
        assert register(world, f"{path}/officers").json["resigned_count"] == 1
        forms = {one["type"] for one in register(world, f"{path}/filing-history").json["items"]}
        assert {"SH01", "RP04SH01", "CERTNM", "AD01", "MR01", "AP01", "TM01"} <= forms


@pytest.mark.parametrize("days", [-6_000, -1_000, -30, 0, 3, 9])
def test_no_filing_is_of_tomorrow_and_none_goes_again(days: int) -> None:
    for company in (COMPANY, *made_content(TODAY).companies):
        shown = [as_of(company, in_days(days + more)) for more in (0, 1)]
        filed = [{(f.form, f.on) for f in history(one)} if one else set() for one in shown]
        assert all(on <= in_days(days) for _, on in filed[0])
        assert filed[0] <= filed[1]
