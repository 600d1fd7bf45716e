"""Jobs in the made world: told once, from boards guessed with care, never closed by a fault."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from oppspot_runner.agents.board_search import is_of, tokens_of
from oppspot_runner.agents.watchers_jobs import (
    GUESSED_FOR,
    OF_GUESS,
    OF_OWN_SITE,
    HiringThread,
    JobBoard,
)
from oppspot_runner.base.errors import RateLimitExceededError, SourceDownError
from oppspot_runner.companies.company import Fact
from oppspot_runner.connectors.job_boards import Board
from oppspot_runner.signals.jobs import Job as OpenJob
from oppspot_runner.signals.sighting import MOST_MISSES, Look, Posting, Sighting
from oppspot_runner.testing.world import Board as MadeBoard
from oppspot_runner.testing.world import Content, Item, Job, World
from oppspot_runner.testing.world.making import made_content
from oppspot_runner.testing.world.world import NOW
from tests.agents.looking import Looker, company, looking

DAY = timedelta(days=1)


def linked(service: str, token: str, url: str, at: datetime = NOW) -> Fact:
    """What the company's site says."""
    board = {"service": service, "token": token, "url": url}
    return Fact("job_board", board, "website", 0.8, at)


AT_GREENHOUSE = linked("greenhouse", "harbour", "https://boards.greenhouse.io/harbour")
LEDGER = company(recorded=(AT_GREENHOUSE,))
GUESSED = company(domain="harbour-ledger.co.uk")
BEGIN = int(NOW.timestamp())
SITE = '<a href="https:&#x2F;&#x2F;quaybooks.ie">https:&#x2F;&#x2F;quaybooks.ie</a>'
SAID = {
    BEGIN - 9: "Harbour Ledger | Senior Engineer | Leeds<p>Postgres all day.",
    BEGIN - 8: f"Books ({SITE}) | Head of Sales | Dublin",
    BEGIN + 3_600: "Harbour Ledger | Product Designer | Leeds",
}
THREAD = (
    Item(7, BEGIN - 60, by="whoishiring", title="Ask HN: Who is hiring? (November 2026)"),
    *(Item(at, at, "comment", text=text, parent=7) for at, text in SAID.items()),
)
TEXT = "<p>Harbour Ledger looks for you.</p>"


def job(number: int, title: str, since: datetime = NOW - DAY, until: datetime | None = None) -> Job:
    return Job(str(number), title, since, until, description=TEXT)


def board(*jobs: Job, service: str = "greenhouse", token: str = "harbour") -> MadeBoard:
    return MadeBoard(service, token, "Harbour Ledger", jobs)


@pytest.fixture
async def looker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Looker]:
    with World(Content(items=THREAD)) as world:
        async with looking(world, monkeypatch) as looker:
            yield looker


def put(world: World, *boards: MadeBoard) -> None:
    world.boards.update({(one.service, one.token): one for one in boards})


def sightings(look: Look | None) -> tuple[Sighting, ...]:
    assert look is not None
    return look.sightings


def titles(look: Look | None) -> list[str]:
    return sorted(one.title.split(": ")[1].split(",")[0] for one in sightings(look))


def still_open(look: Look) -> list[str]:
    return sorted(one.title for one in look.postings or ())


async def test_each_day_tells_of_what_is_new_on_it_and_of_nothing_twice(looker: Looker) -> None:
    world = looker.world
    put(
        world,
        board(
            job(1, "Old hand", NOW - 80 * DAY),
            job(2, "Engineer"),
            job(3, "Seller", until=NOW + DAY),
            job(4, "Head of Sales", NOW + DAY),
            *(job(n, f"Helper {n}", NOW + 2 * DAY) for n in (5, 6, 7)),
        ),
    )
    first = await looker.look(JobBoard(), LEDGER)
    assert first is not None
    assert titles(first) == ["Engineer", "Seller"]
    assert still_open(first) == ["Engineer", "Old hand", "Seller"]
    world.clock.advance(DAY)
    second = await looker.look(JobBoard(), LEDGER)
    assert second is not None
    assert [(one.strength, one.confidence) for one in second.sightings] == [("strong", OF_OWN_SITE)]
    assert titles(second) == ["Head of Sales"]
    assert still_open(second) == ["Engineer", "Head of Sales", "Old hand"]
    world.clock.advance(DAY)
    third = await looker.look(JobBoard(), LEDGER)
    assert third is not None
    assert [one.strength for one in third.sightings] == ["strong"] * 3
    assert titles(await looker.look(JobBoard(), LEDGER)) == []
    assert {one.path for one in world.seen("/")} == {"/greenhouse/harbour/jobs"}


async def test_a_board_that_is_gone_is_a_miss_and_one_that_fails_is_nothing(looker: Looker) -> None:
    world = looker.world
    put(world, board(job(1, "Engineer")))
    await looker.look(JobBoard(), LEDGER)
    world.fault("/greenhouse/", status=429, headers={"Retry-After": "3"})
    with pytest.raises(RateLimitExceededError):
        await looker.look(JobBoard(), LEDGER)
    world.fault("/greenhouse/", status=503, times=3)
    with pytest.raises(SourceDownError):
        await looker.look(JobBoard(), LEDGER)
    del world.boards["greenhouse", "harbour"]
    for _ in range(MOST_MISSES + 1):
        assert await looker.look(JobBoard(), LEDGER) == Look(found=False)
    put(world, board(job(1, "Engineer")))
    assert titles(await looker.look(JobBoard(), LEDGER)) == []


async def test_another_board_than_last_time_is_looked_at_for_the_first_time(looker: Looker) -> None:
    world = looker.world
    put(world, board(job(1, "Engineer")))
    await looker.look(JobBoard(), LEDGER)
    put(
        world,
        board(job(1, "Engineer"), job(2, "Old hand", NOW - 80 * DAY), service="lever_eu"),
    )
    moved = linked("lever", "harbour", "https://jobs.eu.lever.co/harbour", NOW + DAY)
    now_there = replace(LEDGER, recorded=(moved, AT_GREENHOUSE))
    look = await looker.look(JobBoard(), now_there)
    assert titles(look) == ["Engineer"]
    assert look is not None
    assert look.state is not None
    assert look.state["board"] == "lever_eu:harbour"


async def test_a_board_that_no_site_names_is_guessed_once_and_then_known(looker: Looker) -> None:
    world = looker.world
    put(world, board(job(1, "Engineer"), service="ashby", token="harbourledger"))
    look = await looker.look(JobBoard(), GUESSED)
    assert titles(look) == ["Engineer"]
    assert look is not None
    assert look.sightings[0].confidence == OF_GUESS
    guesses = [one.path for one in world.log]
    assert guesses == [
        "/greenhouse/harbour-ledger/jobs",
        "/lever/harbour-ledger",
        "/ashby/harbour-ledger",
        "/greenhouse/harbourledger/jobs",
        "/lever/harbourledger",
        "/ashby/harbourledger",
    ]
    assert titles(await looker.look(JobBoard(), GUESSED)) == []
    assert [one.path for one in world.log][len(guesses) :] == ["/ashby/harbourledger"]


async def test_what_was_not_found_is_not_guessed_again_for_a_month(looker: Looker) -> None:
    world = looker.world
    assert titles(await looker.look(JobBoard(), GUESSED)) == []
    asked = len(world.log)
    world.clock.advance(GUESSED_FOR - DAY)
    assert await looker.look(JobBoard(), GUESSED) is None
    assert len(world.log) == asked == 6
    forced = looker.context(force=True)
    assert await looker.look(JobBoard(), GUESSED, forced) is not None
    world.clock.advance(GUESSED_FOR)
    put(world, board(job(1, "Engineer", world.clock.now), service="lever", token="harbour-ledger"))
    assert titles(await looker.look(JobBoard(), GUESSED)) == ["Engineer"]


async def test_a_guessed_board_that_is_gone_for_good_is_guessed_anew(looker: Looker) -> None:
    world = looker.world
    put(world, board(job(1, "Engineer"), token="harbourledger"))
    await looker.look(JobBoard(), GUESSED)
    world.boards.clear()
    for _ in range(MOST_MISSES):
        assert await looker.look(JobBoard(), GUESSED) == Look(found=False)
    assert await looker.look(JobBoard(), GUESSED) is None
    world.clock.advance(GUESSED_FOR)
    look = await looker.look(JobBoard(), GUESSED)
    assert look is not None
    assert look.state is not None
    assert look.state["board"] is None


async def test_what_others_answered_while_one_service_failed_is_not_asked_again(
    looker: Looker,
) -> None:
    world = looker.world
    world.fault("/greenhouse/", status=429, times=None)
    with pytest.raises(RateLimitExceededError):
        await looker.look(JobBoard(), GUESSED)
    assert [one.path for one in world.log] == [
        "/greenhouse/harbour-ledger/jobs",
        "/lever/harbour-ledger",
        "/ashby/harbour-ledger",
        "/lever/harbourledger",
        "/ashby/harbourledger",
    ]
    world.reset()
    assert titles(await looker.look(JobBoard(), GUESSED)) == []
    asked_again = [one.path for one in world.log]
    assert asked_again == ["/greenhouse/harbour-ledger/jobs", "/greenhouse/harbourledger/jobs"]


async def test_a_board_is_taken_though_another_service_fails(looker: Looker) -> None:
    looker.world.fault("/greenhouse/", status=429, times=None)
    put(looker.world, board(job(1, "Engineer"), service="lever", token="harbourledger"))
    assert titles(await looker.look(JobBoard(), GUESSED)) == ["Engineer"]


async def test_the_made_world_has_a_board_that_only_looks_like_the_company_s(
    looker: Looker,
) -> None:
    world = looker.world
    content = made_content(NOW.date())
    put(world, *content.boards)
    strangers = await looker.look(JobBoard(), company(content.companies[11].name))
    assert strangers is not None
    assert strangers.sightings == ()
    assert strangers.state is not None
    assert strangers.state["refused"] == ["lever:thistleadvisory"]
    own = await looker.look(JobBoard(), company(content.companies[31].name))
    assert own is not None
    assert len(own.sightings) == 3


def offered(text: str, url: str = "https://jobs.lever.co/x/1", name: str = "") -> Board:
    posting = Posting("lever", "x", "1", "Engineer", url=url)
    return Board((OpenJob(posting, text),), names=frozenset({name} - {""}))


APEX = company("Apex Ltd", domain="apex.co.uk")
LABS = company("Smith & Wren Labs", domain="smithwren.com")
OWN = [
    (APEX, offered("Write to jobs@apex.co.uk.")),
    (APEX, offered("", url="https://careers.apex.co.uk/1?gh_jid=1")),
    (LABS, offered("<p>Smith &amp; Wren\nLabs is small.</p>")),
    (LABS, offered("", name="Smith and Wren Labs")),
    (company("GitLab"), offered("At GitLab you work from home.")),
]
STRANGE = [
    (APEX, offered("Apex is a clean energy company.", name="Apex")),
    (APEX, offered("See apex.co.uk.com, notapex.co.uk and my-apex.co.uk.")),
    (LABS, offered("Smith & Wren make furniture.", name="Smith & Wren")),
    (company("Data Group"), offered("We are a data group.")),
]


@pytest.mark.parametrize(("whose", "what"), OWN, ids=lambda one: getattr(one, "name", None))
def test_a_board_is_the_company_s_by_its_domain_or_its_distinctive_name(
    whose: object, what: Board
) -> None:
    assert is_of(whose, what)  # type: ignore[arg-type]


@pytest.mark.parametrize(("whose", "what"), STRANGE, ids=lambda one: getattr(one, "name", None))
def test_a_board_is_somebody_else_s_when_only_its_token_fits(whose: object, what: Board) -> None:
    assert not is_of(whose, what)  # type: ignore[arg-type]


def test_boards_are_guessed_by_domain_and_name() -> None:
    assert tokens_of(LABS) == ("smithwren", "smithandwrenlabs", "smith-and-wren-labs")
    assert tokens_of(APEX) == ("apex",)
    assert tokens_of(company("Ü Ltd")) == ()
    assert tokens_of(company("Café Noir", website="https://cafenoir.ie/en")) == (
        "cafenoir",
        "cafe-noir",
    )


async def test_offers_at_hacker_news_are_read_once_and_told_on_their_days(looker: Looker) -> None:
    quay = company("Quay Books", domain="quaybooks.ie")
    watcher, ctx = HiringThread(), looker.context()
    (one,) = sightings(await looker.look(watcher, company(), ctx))
    assert (one.title, one.strength, one.confidence) == (
        "Hiring at Hacker News: Senior Engineer",
        "moderate",
        70,
    )
    assert one.data == {"location": "Leeds", "technologies": ["PostgreSQL"]}
    assert (one.event, one.key) == ("senior engineer", str(BEGIN - 9))
    (other,) = sightings(await looker.look(watcher, quay, ctx))
    assert (other.strength, other.confidence, other.data["leads"]) == ("strong", 85, "sales")
    assert sightings(await looker.look(watcher, company("Lowland Tea"), ctx)) == ()
    assert len(looker.world.log) == 2
    looker.world.clock.advance(DAY)
    later = sightings(await looker.look(HiringThread(), company()))
    assert {one.event for one in later} == {"senior engineer", "product designer"}


async def test_threads_that_could_not_be_read_are_read_by_the_next_look(looker: Looker) -> None:
    looker.world.fault("/algolia/", status=429, times=None)
    watcher = HiringThread()
    with pytest.raises(RateLimitExceededError):
        await looker.look(watcher, company())
    looker.world.reset()
    assert len(sightings(await looker.look(watcher, company()))) == 1
