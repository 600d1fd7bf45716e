"""One case for each call of a connector: how it is made, and what it comes to.

Who adds a call to a connector adds its case here; tests/connectors/test_contract.py asks each of
them about everything that can go wrong.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from oppspot_runner.base.web import Web
from oppspot_runner.connectors.companies_house import CompaniesHouse
from oppspot_runner.testing.world import World

MIB = 1024 * 1024
NUMBER = "10000007"  # of Harbour Ledger
REGISTER_KEY = "OPPSPOT_COMPANIES_HOUSE_API_KEY"

Call = Callable[[Web, World], Awaitable[Any]]
Verdict = Callable[[Any], bool]


@dataclass(frozen=True)
class Case:
    """A call. `prefix` is where the world answers it, `key` the variable of the key that it needs.

    `right` and `missing` judge what it returns when all is well, and when there is no such thing.
    `requests` are made when all is well, `most_bytes` are taken. `reads_json` is false where a page
    is as good as anything.
    """

    name: str
    call: Call
    prefix: str
    right: Verdict
    missing: Verdict
    key: str | None = None
    requests: int = 1
    most_bytes: int = 2 * MIB
    reads_json: bool = True

    def __str__(self) -> str:
        return self.name


def nothing(found: Any) -> bool:
    return found is None


def no_items(found: Any) -> bool:
    return found.items == () and found.total == 0


async def profile(web: Web, _world: World) -> Any:
    return await CompaniesHouse(web).profile(NUMBER)


async def search(web: Web, _world: World) -> Any:
    return await CompaniesHouse(web).search("harbour ledger")


async def advanced_search(web: Web, _world: World) -> Any:
    return await CompaniesHouse(web).advanced_search({"sic_codes": "62012", "location": "London"})


async def officers(web: Web, _world: World) -> Any:
    return await CompaniesHouse(web).officers(NUMBER)


async def filings(web: Web, _world: World) -> Any:
    return await CompaniesHouse(web).filings(NUMBER, ["accounts"])


async def document(web: Web, world: World) -> Any:
    filed = world.documents_of(NUMBER)
    return await CompaniesHouse(web).document(filed[0])


async def page(web: Web, world: World) -> Any:
    return await web.page(world.site_url("harbourledger"))


REGISTER, DOCUMENTS = "/ch/", "/ch-doc/"
CASES = [
    Case(
        "companies_house.profile",
        profile,
        REGISTER,
        lambda found: found.company_name == "HARBOUR LEDGER LIMITED",
        nothing,
        REGISTER_KEY,
    ),
    Case(
        "companies_house.search",
        search,
        REGISTER,
        lambda found: [one.company_number for one in found.items] == [NUMBER],
        no_items,
        REGISTER_KEY,
    ),
    Case(
        "companies_house.advanced_search",
        advanced_search,
        REGISTER,
        lambda found: len(found.items) == found.total > 1,
        no_items,
        REGISTER_KEY,
    ),
    Case(
        "companies_house.officers",
        officers,
        REGISTER,
        lambda found: found.items[0].name == "ABERNETHY, Aoife",
        no_items,
        REGISTER_KEY,
    ),
    Case(
        "companies_house.filings",
        filings,
        REGISTER,
        lambda found: all(one.category == "accounts" and one.document_id for one in found.items),
        no_items,
        REGISTER_KEY,
    ),
    Case(
        "companies_house.document",
        document,
        DOCUMENTS,
        lambda found: b"AverageNumberEmployeesDuringPeriod" in found.content,
        nothing,
        REGISTER_KEY,
        requests=2,
        most_bytes=20 * MIB,
    ),
    Case(
        "web.page",
        page,
        "/site/harbourledger/",
        lambda found: "<h1>Harbour Ledger</h1>" in found.text,
        lambda found: not found.found,
        requests=2,  # robots.txt is one
        reads_json=False,
    ),
]
