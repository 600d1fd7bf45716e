"""Makes the content that the world has by itself: the same for the same day, on every machine.

Some 200 companies with officers, accounts and filings, web sites of about 60 of them, posts and
stories. All of it is made up.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar
from zlib import crc32

from oppspot_runner.testing.world.content import (
    Accounts,
    Address,
    Charge,
    Content,
    Officer,
    Parent,
    RegisteredCompany,
    ShareIssue,
)
from oppspot_runner.testing.world.making_boards import made_boards
from oppspot_runner.testing.world.making_posts import made_feeds, made_items, made_posts
from oppspot_runner.testing.world.making_sites import TRAPS, made_sites

T = TypeVar("T")

COMPANIES = 200
WITH_SITE = 3  # of ten
PEOPLE = 170
GROUPS = 25
YEARS = 3
REFERENCE_DATES = ((3, 31), (12, 31), (6, 30), (9, 30))
FILED_AFTER = timedelta(days=140)
PREFIXES = {"scotland": "SC", "northern-ireland": "NI", "non-eu": "FC"}
SIZES = (4, 9, 14, 22, 30, 38, 47, 60, 85, 120, 160, 240, 420)
GROWTH = (0.72, 0.85, 0.95, 1.0, 1.1, 1.25, 1.4)
STATUSES = ("active",) * 17 + ("dissolved", "liquidation", "proposal")
KINDS = ("ltd",) * 16 + ("plc", "llp", "llp", "ltd")
ENDINGS = {"ltd": ("Ltd", "Limited"), "plc": ("PLC",), "llp": ("LLP",)}
FIRST_NUMBER, STEP = 10_000_007, 7_919


def made_content(today: date) -> Content:
    """All that there is in the world on that day."""
    companies = _in_groups([_company(place, today) for place in range(COMPANIES)])
    sites = made_sites(companies, [sector(place) for place in range(COMPANIES)], today)
    talked_of = [one for one in companies if one.site in sites and one.site not in TRAPS]
    return Content(
        companies=companies,
        sites=sites,
        posts=made_posts(talked_of, today),
        private_subreddits=frozenset({"foundersonly"}),
        banned_subreddits=frozenset({"quickleads"}),
        items=made_items(talked_of, today),
        feeds=made_feeds(talked_of, today),
        boards=made_boards(companies, TRAPS, today),
    )


def _in_groups(companies: list[RegisteredCompany]) -> list[RegisteredCompany]:
    """The companies, of which every 25th owns the one after it."""
    return [
        replace(one, parents=(Parent(owner.name, owner.number, one.incorporated),))
        if place % GROUPS == 1
        else one
        for place, (owner, one) in enumerate(
            zip([companies[0], *companies], companies, strict=False)
        )
    ]


@cache
def words() -> dict[str, Any]:
    """What names and places are put together from."""
    data = files("oppspot_runner.testing.world") / "data" / "register.toml"
    return tomllib.loads(data.read_text(encoding="utf-8"))


def pick(choices: Sequence[T], place: int, what: str) -> T:
    """One of the choices, always the same for the same company and purpose."""
    return choices[crc32(f"{what} {place}".encode()) % len(choices)]


def sector(place: int) -> dict[str, Any]:
    """What a company does."""
    found: dict[str, Any] = words()["sectors"][place % len(words()["sectors"])]
    return found


def _company(place: int, today: date) -> RegisteredCompany:
    town = pick(words()["towns"], place, "town")
    kind = pick(KINDS, place, "kind") if town["country"] != "Ireland" else "oversea-company"
    incorporated = date(2004, 1, 5) + timedelta(days=crc32(f"born {place}".encode()) % 6_500)
    fate = pick(STATUSES, place, "fate")
    accounts = tuple(_accounts(place, today)) if fate != "dissolved" else ()
    return RegisteredCompany(
        number=_number(place, kind, town["jurisdiction"]),
        name=_name(place, kind),
        status="active" if fate == "proposal" else fate,
        status_detail="active-proposal-to-strike-off" if fate == "proposal" else None,
        kind=kind,
        incorporated=incorporated,
        ceased=today - timedelta(days=200 + place) if fate == "dissolved" else None,
        sic_codes=tuple(sector(place)["sic_codes"]),
        jurisdiction=town["jurisdiction"],
        address=_address(place, town),
        officers=tuple(_officers(place, incorporated, today)),
        owners=(_person(place, incorporated),),
        accounts=accounts,
        share_issues=_share_issues(place, today),
        charges=_charges(place, today),
        insolvent_since=today - timedelta(days=90) if fate == "liquidation" else None,
        previous_names=_previous_names(place, incorporated),
        site=_site(place),
    )


def _name(place: int, kind: str) -> str:
    first = words()["first_words"]
    second: list[str] = sector(place)["words"]
    sectors = len(words()["sectors"])
    lap = place // sectors
    ending = pick(ENDINGS.get(kind, ("Limited",)), place, "ending")
    return f"{first[lap % len(first)]} {second[lap // len(first) % len(second)]} {ending}"


def _site(place: int) -> str | None:
    if place % 10 >= WITH_SITE:
        return None
    if place % 30 == 22 and place // 30 < len(TRAPS):
        return TRAPS[place // 30]
    return "".join(_name(place, "ltd").lower().split()[:2])


def _number(place: int, kind: str, jurisdiction: str) -> str:
    number = FIRST_NUMBER + STEP * place
    prefix = "OC" if kind == "llp" else PREFIXES.get(jurisdiction, "")
    return f"{prefix}{str(number)[-6:]}" if prefix else str(number)


def _address(place: int, town: dict[str, str]) -> Address:
    line = f"{1 + place} {pick(words()['first_words'], place, 'street')} Street"
    return Address(line, town["town"], town["postcode"], town.get("region", ""), town["country"])


def _accounts(place: int, today: date) -> Iterator[Accounts]:
    month, day = pick(REFERENCE_DATES, place, "year end")
    last = today - FILED_AFTER - timedelta(days=10)
    year = last.year if (last.month, last.day) >= (month, day) else last.year - 1
    people = float(pick(SIZES, place, "people"))
    on_paper = place % 9 == 4
    for back in range(YEARS):
        ends = date(year - back, month, day)
        kind = "micro-entity" if people < 10 else "small" if people < 50 else "full"
        employees = None if place % 11 == 5 else 0 if place % 23 == 7 else round(people)
        yield Accounts(ends, ends + FILED_AFTER, employees, kind, on_paper)
        people /= pick(GROWTH, place, f"growth {back}")


def _person(index: int, appointed: date, resigned: date | None = None) -> Officer:
    index %= PEOPLE
    forenames, surnames = words()["forenames"], words()["surnames"]
    surname = surnames[index // len(forenames) % len(surnames)]
    born = (1955 + index % 40, 1 + index % 12)
    name = f"{surname}, {forenames[index % len(forenames)]}"
    return Officer(name, appointed=appointed, resigned=resigned, born=born)


def _officers(place: int, incorporated: date, today: date) -> Iterator[Officer]:
    yield _person(place, incorporated)
    if place % 2:
        yield _person(place + 31, incorporated + timedelta(days=700))
    if place % 5 == 1:
        gone = incorporated + timedelta(days=900)
        yield _person(place + 67, incorporated, gone)
    if place % 8 == 3:
        yield _person(place + 97, today - timedelta(days=20 + place % 30))
    if place % 10 == 4:
        yield _person(place + 113, today + timedelta(days=1 + place % 4))


def _share_issues(place: int, today: date) -> tuple[ShareIssue, ...]:
    if place % 6 not in (0, 1) or place % 4:
        return ()
    issue = ShareIssue(today - timedelta(days=15 + place % 120), f"{1 + place},250.00")
    comes = ShareIssue(today + timedelta(days=1 + place % 5), f"{2 + 2 * place},500.00")
    return (issue, comes) if place % 3 == 0 else (issue,)


def _charges(place: int, today: date) -> tuple[Charge, ...]:
    if place % 7 != 2:
        return ()
    comes = Charge(today + timedelta(days=1 + place % 3), "Harbour Bank PLC")
    return (Charge(today - timedelta(days=400 + place)), *([comes] if place % 2 else []))


def _previous_names(place: int, incorporated: date) -> tuple[tuple[str, date, date], ...]:
    if place % 13 != 6:
        return ()
    first = pick(words()["first_words"], place, "old name")
    return ((f"{first} Trading Ltd", incorporated, incorporated + timedelta(days=500)),)
