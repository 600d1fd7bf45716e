"""One case for each call of a connector: how it is made, and what it comes to.

Who adds a call to a connector adds its case here; tests/connectors/test_contract.py asks each of
them about everything that can go wrong.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from oppspot_runner.base.web import Web
from oppspot_runner.connectors.ashby import Ashby
from oppspot_runner.connectors.companies_house import CompaniesHouse
from oppspot_runner.connectors.feeds import read_feed
from oppspot_runner.connectors.greenhouse import Greenhouse
from oppspot_runner.connectors.hacker_news import HackerNews
from oppspot_runner.connectors.hiring_threads import HiringThreads
from oppspot_runner.connectors.lever import LEVER_EU, Lever
from oppspot_runner.connectors.reddit import Reddit
from oppspot_runner.connectors.story_slices import Slice
from oppspot_runner.testing.world import World
from oppspot_runner.testing.world.register_lists import person_id

MIB = 1024 * 1024
NUMBER = "10000007"  # of Harbour Ledger
REDDIT_KEY = "OPPSPOT_REDDIT_CLIENT_SECRET"
REGISTER_KEY = "OPPSPOT_COMPANIES_HOUSE_API_KEY"

Call = Callable[[Web, World], Awaitable[Any]]
Verdict = Callable[[Any], bool]


@dataclass(frozen=True)
class Case:
    """A call. `prefix` is where the world answers it, `key` the variable of the key that it needs.

    `right` and `missing` judge what it returns when all is well, and when there is no such thing;
    without `missing` there is always such a thing, and to hear otherwise is no answer.
    `requests` are made when all is well, `most_bytes` are taken. `reads_json` is false where a page
    is as good as anything.
    """

    name: str
    call: Call
    prefix: str
    right: Verdict
    missing: Verdict | None
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


async def owners(web: Web, _world: World) -> Any:
    return await CompaniesHouse(web).owners(NUMBER)


async def appointments(web: Web, world: World) -> Any:
    company = next(one for one in world.content.companies if one.number == NUMBER)
    officer_id = person_id(company.officers[0])
    return await CompaniesHouse(web).appointments(officer_id, most=1_000)


async def filings(web: Web, _world: World) -> Any:
    return await CompaniesHouse(web).filings(NUMBER, ["accounts"])


async def document(web: Web, world: World) -> Any:
    filed = world.documents_of(NUMBER)
    return await CompaniesHouse(web).document(filed[0])


async def reddit_search(web: Web, _world: World) -> Any:
    return await Reddit(web).search("a", "saas", time_filter="all")


async def reddit_listing(web: Web, _world: World) -> Any:
    return await Reddit(web).listing("saas")


def newest_story(world: World) -> Any:
    stories = (one for one in world.content.items if one.type == "story")
    return max((one for one in stories if not (one.deleted or one.dead)), key=lambda one: one.time)


async def hacker_news_stories(web: Web, world: World) -> Any:
    newest = newest_story(world).time
    return await HackerNews(web).stories("", Slice(newest, newest + 1))


async def hacker_news_counts(web: Web, world: World) -> Any:
    return await HackerNews(web).counts(str(newest_story(world).id))


async def hiring_threads(web: Web, world: World) -> Any:
    return await HiringThreads(web).since(world.clock.now - timedelta(days=45))


async def hiring_offers(web: Web, world: World) -> Any:
    thread = next(one for one in world.content.items if one.by == "whoishiring")
    return await HiringThreads(web).offers(str(thread.id))


async def greenhouse(web: Web, _world: World) -> Any:
    return await Greenhouse(web).board("harbourledger")


async def lever(web: Web, _world: World) -> Any:
    return await Lever(web).board("harbourpay")


async def lever_eu(web: Web, world: World) -> Any:
    there = world.boards["lever", "harbourpay"]
    world.boards[LEVER_EU, "harbourpay"] = replace(there, service=LEVER_EU)
    return await Lever(web, place=LEVER_EU).board("harbourpay")


async def ashby(web: Web, _world: World) -> Any:
    return await Ashby(web).board("harbourhosting")


def has_jobs(found: Any) -> bool:
    jobs = [one.posting for one in found.jobs]
    return len(jobs) > 1 and all(one.published_at and one.url and one.location for one in jobs)


async def feed(web: Web, world: World) -> Any:
    answer = await web.page(f"{world.url}/feed/news")
    return read_feed(answer) if answer.found else None


async def page(web: Web, world: World) -> Any:
    return await web.page(world.site_url("harbourledger"))


REGISTER, DOCUMENTS, SUBREDDITS = "/ch/", "/ch-doc/", "/reddit/r/"
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
        lambda found: found.items[0].name == "ABERNETHY, Aoife" and found.items[0].officer_id,
        no_items,
        REGISTER_KEY,
    ),
    Case(
        "companies_house.owners",
        owners,
        REGISTER,
        lambda found: found.items[0].kind.endswith("significant-control"),
        no_items,
        REGISTER_KEY,
    ),
    Case(
        "companies_house.appointments",
        appointments,
        REGISTER,
        lambda found: NUMBER in {one.appointed_to.company_number for one in found.items},
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
        "reddit.search",
        reddit_search,
        SUBREDDITS,
        lambda found: found.posts and {one.community for one in found.posts} == {"saas"},
        nothing,
        REDDIT_KEY,
        requests=2,  # a token is one
    ),
    Case(
        "reddit.listing",
        reddit_listing,
        SUBREDDITS,
        lambda found: found.posts and found.drifted == 0,
        nothing,
        REDDIT_KEY,
        requests=2,
    ),
    Case(
        "hacker_news.stories",
        hacker_news_stories,
        "/algolia/",
        lambda found: len(found.posts) == 1 and found.unreachable == 0,
        None,
    ),
    Case(
        "hacker_news.counts",
        hacker_news_counts,
        "/hn/",
        lambda found: found.score > 0 and not found.removed,
        nothing,
    ),
    Case(
        "hiring_threads.since",
        hiring_threads,
        "/algolia/",
        lambda found: len(found) == 1,
        None,
    ),
    Case(
        "hiring_threads.offers",
        hiring_offers,
        "/algolia/",
        lambda found: len(found.offers) == 24 and found.drifted == 0,
        None,
    ),
    Case("greenhouse.board", greenhouse, "/greenhouse/", has_jobs, nothing, most_bytes=8 * MIB),
    Case("lever.board", lever, "/lever/", has_jobs, nothing, most_bytes=8 * MIB),
    Case("lever_eu.board", lever_eu, "/lever-eu/", has_jobs, nothing, most_bytes=8 * MIB),
    Case("ashby.board", ashby, "/ashby/", has_jobs, nothing, most_bytes=8 * MIB),
    Case(
        "web.page, a feed",
        feed,
        "/feed/",
        lambda found: found[0].title.endswith("raises £2m seed round"),
        nothing,
        requests=2,  # robots.txt is one
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
