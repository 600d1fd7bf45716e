"""What the watchers of the register see, day after day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from oppspot_runner.agents.watchers_register import (
    Filings,
    OfficerChanges,
    ShareIssues,
    register_watchers,
)
from oppspot_runner.base.errors import AccessDeniedError, RateLimitExceededError
from oppspot_runner.companies.company import Fact
from oppspot_runner.connectors.companies_house_answers import Filing
from oppspot_runner.connectors.companies_house_filings import Allotment, allotments
from oppspot_runner.signals.sighting import SIGNAL_TYPES, Memory
from oppspot_runner.testing.world import (
    Accounts,
    Address,
    Charge,
    Content,
    Officer,
    RegisteredCompany,
    ShareIssue,
    World,
)
from oppspot_runner.testing.world.world import NOW
from tests.agents.looking import company, looking

DAY = timedelta(days=1)
TODAY = NOW.date()
NUMBER = "01234567"
PAGE = f"https://find-and-update.company-information.service.gov.uk/company/{NUMBER}"
OURS = company(company_number=NUMBER, country="GB", incorporated=date(2015, 3, 4))


def in_days(days: int) -> date:
    return TODAY + days * DAY


def registered(**values: Any) -> World:
    return World(Content(companies=[RegisteredCompany(NUMBER, "Harbour Ledger Ltd", **values)]))


async def test_each_day_tells_what_was_not_known_the_day_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = registered(
        share_issues=(
            ShareIssue(in_days(-400), "1,000.00"),
            ShareIssue(in_days(1), "1,600.00", amended=in_days(2)),
        ),
        officers=(
            Officer("SMITH, Ada", appointed=date(2015, 3, 4), resigned=in_days(2)),
            Officer("O'NEILL, Jane Mary", appointed=in_days(1), occupation="Chief Engineer"),
            Officer("LEDGER NOMINEES LTD", role="corporate-director", appointed=in_days(1)),
        ),
        charges=(Charge(in_days(2)),),
        previous_names=(("Quay Books Ltd", date(2015, 3, 4), in_days(1)),),
        previous_addresses=((Address("9 Mill Lane"), in_days(2)),),
    )
    seen: dict[tuple[str, str], str] = {}
    new: list[list[str]] = []
    with world:
        async with looking(world, monkeypatch) as looker:
            for _ in range(4):
                told = []
                for watcher in register_watchers():
                    look = await looker.look(watcher, OURS)
                    assert look is not None
                    for one in look.sightings:
                        assert one.signal_type in watcher.types
                        if (one.signal_type, one.key) not in seen:
                            seen[one.signal_type, one.key] = one.title
                            told.append(one.title)
                new.append(told)
                world.clock.advance(DAY)
    assert new == [
        [],
        [
            "Harbour Ledger Ltd issued shares: its capital is now 1,600.00 GBP,"
            " 60% more than before",
            "Jane Mary O'Neill became director of Harbour Ledger Ltd",
            "Harbour Ledger Ltd changed its name",
        ],
        [
            "Ada Smith is no longer director of Harbour Ledger Ltd",
            "Harbour Ledger Ltd registered a new charge",
            "Harbour Ledger Ltd moved its registered office",
        ],
        [],
    ]


async def test_a_sighting_says_where_it_is_from_and_how_sure_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = registered(
        share_issues=(ShareIssue(in_days(-200), "1,000"), ShareIssue(in_days(-9), "1,050")),
        officers=(Officer("SMITH, Ada Jo", appointed=in_days(-5)),),
    )
    guessed = company(
        country="GB",
        recorded=(Fact("company_number", NUMBER, "register", 0.8, NOW - DAY),),
    )
    with world:
        async with looking(world, monkeypatch) as looker:
            issued = await looker.look(ShareIssues(), OURS)
            changed = await looker.look(OfficerChanges(), OURS)
            unsure = await looker.look(ShareIssues(), guessed)
    assert issued
    assert changed
    assert unsure
    (issue,), (change,) = issued.sightings, changed.sightings
    assert (issue.source, issue.confidence, issue.strength) == ("companies_house", 60, "weak")
    assert issue.source_url == f"{PAGE}/filing-history"
    assert issue.occurred_at == datetime(2026, 10, 24, tzinfo=UTC)
    assert issue.data == {"capital": "1050", "currency": "GBP", "growth_percent": 5.0}
    assert (change.confidence, change.event, change.source_url) == (
        95,
        "ada smith",
        f"{PAGE}/officers",
    )
    assert change.data["person"] == "Ada Jo Smith"
    assert "smith" not in change.key.lower()
    assert unsure.sightings[0].confidence == 48


async def test_accounts_become_overdue_on_their_day(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = TODAY - timedelta(days=365 + 275)
    world = registered(accounts=(Accounts(ends, ends + 9 * DAY),))
    with world:
        async with looking(world, monkeypatch) as looker:
            assert await looker.titles(Filings(), OURS) == []
            world.clock.advance(DAY)
            late = f"Harbour Ledger Ltd is late with its accounts, due on {TODAY}"
            assert await looker.titles(Filings(), OURS) == [late]
            world.clock.advance(50 * DAY)
            assert await looker.titles(Filings(), OURS) == [late]  # it may have been told late
            world.clock.advance(DAY)
            assert await looker.titles(Filings(), OURS) == []


async def test_filings_are_asked_for_once_in_an_attempt_and_all_anew_each_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with registered(officers=(Officer("SMITH, Ada"),)) as world:
        async with looking(world, monkeypatch) as looker:
            made = []
            for force, later in (
                (False, 0 * DAY),
                (False, DAY / 24),
                (True, DAY / 24),
                (False, DAY),
            ):
                world.clock.advance(later)
                ctx = looker.context(force=force)
                for watcher in register_watchers():
                    await looker.look(watcher, OURS, ctx)
                made.append(ctx.http.requests.get("companies_house", 0))
    assert made == [3, 0, 3, 3]


async def test_what_came_since_a_look_long_ago_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with registered(share_issues=(ShareIssue(in_days(-60)),)) as world:
        async with looking(world, monkeypatch) as looker:
            assert await looker.titles(ShareIssues(), OURS) == []
            looker.memories.clear()
            assert len(await looker.titles(ShareIssues(lookback=90 * DAY), OURS)) == 1
            key = (OURS.id, "share_issues")
            looker.memories[key] = Memory(looked_at=NOW - 70 * DAY)
            assert len(await looker.titles(ShareIssues(), OURS)) == 1


async def test_who_is_in_no_register_of_the_uk_is_not_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with registered() as world:
        async with looking(world, monkeypatch) as looker:
            for watcher in register_watchers():
                for other in (company(country="DE"), company()):
                    assert await looker.look(watcher, other) is None
            unknown = company(company_number="09999999", country="GB")
            for watcher in register_watchers():
                look = await looker.look(watcher, unknown)
                assert look is not None
                assert look.sightings == ()
        assert all("09999999" in one.path for one in world.log)


@pytest.mark.parametrize(
    ("status", "error"), [(429, RateLimitExceededError), (401, AccessDeniedError)]
)
async def test_trouble_of_the_source_is_no_news_of_the_company(
    status: int, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    with registered() as world:
        world.fault("/ch/", status=status, times=None)
        async with looking(world, monkeypatch) as looker:
            for watcher in register_watchers():
                with pytest.raises(error):
                    await looker.look(watcher, OURS)


def filing(description: str, day: str, capital: Any = None, **values: Any) -> Filing:
    stated = {"capital": capital, **values}
    return Filing.model_validate(
        {
            "transaction_id": f"{description} {day}",
            "category": "capital",
            "date": day,
            "description": description,
            "description_values": stated,
        }
    )


def pounds(figure: Any, currency: Any = "GBP") -> list[dict[str, Any]]:
    return [{"figure": figure, "currency": currency}]


SHARES, AGAIN = "capital-allotment-shares", "second-filing-capital-allotment-shares"


def test_a_second_filing_corrects_the_first_and_both_are_one_issue() -> None:
    found = allotments(
        [
            filing(AGAIN, "2026-06-01", pounds("1,200.00"), date="2026-05-01"),
            filing(SHARES, "2026-05-02", pounds("12,000.00"), date="2026-05-01"),
            filing(SHARES, "2026-05-03", pounds("900"), date="2026-04-01"),
            filing(SHARES, "2026-05-03", pounds("1,000"), date="2026-04-01"),
            filing("capital-name-of-class-of-shares", "2026-05-03"),
        ]
    )
    assert found == [
        Allotment(date(2026, 4, 1), Decimal(1000), "GBP"),
        Allotment(date(2026, 5, 1), Decimal("1200.00"), "GBP", Decimal("0.2")),
    ]


@pytest.mark.parametrize(
    "capital",
    [
        None,
        [],
        "1,000",
        [None],
        pounds("a lot"),
        pounds("-5"),
        pounds("1e400000"),
        pounds("9" * 500),
        pounds(None),
        pounds("0.00"),
        pounds("NaN"),
    ],
)
def test_a_capital_that_cannot_be_read_is_not_known(capital: Any) -> None:
    before = filing(SHARES, "2026-04-01", pounds("1,000"))
    (_, found) = allotments([before, filing(SHARES, "2026-05-01", capital)])
    assert (found.day, found.capital, found.growth) == (date(2026, 5, 1), None, None)


def test_capitals_of_two_currencies_are_not_compared() -> None:
    filings = [
        filing(SHARES, "2026-04-01", pounds("1,000")),
        filing(SHARES, "2026-05-01", pounds("5,000", "USD")),
        filing(SHARES, "2026-06-01", pounds("1,500")),
    ]
    assert [one.growth for one in allotments(filings)] == [None, None, Decimal("0.5")]


@pytest.mark.parametrize(
    ("capital", "age", "strength"),
    [
        ("1,600", 4_000, "strong"),
        ("1,100", 4_000, "moderate"),
        ("1,001", 4_000, "weak"),
        ("900", 4_000, "weak"),
        ("no figure", 4_000, "moderate"),
        ("1,600", 60, "weak"),
    ],
)
async def test_an_issue_is_as_strong_as_the_capital_grew(
    capital: str, age: int, strength: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = company(company_number=NUMBER, country="GB", incorporated=in_days(-age))
    issues = (ShareIssue(in_days(-50), "1,000"), ShareIssue(in_days(-1), capital))
    with registered(share_issues=issues) as world:
        async with looking(world, monkeypatch) as looker:
            look = await looker.look(ShareIssues(), ours)
    assert look is not None
    assert [one.strength for one in look.sightings] == [strength]


def test_all_types_are_known() -> None:
    assert {one for watcher in register_watchers() for one in watcher.types} <= set(SIGNAL_TYPES)
