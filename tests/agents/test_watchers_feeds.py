"""What the watcher of feeds sees in a company's own feed and in the press, day after day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from oppspot_runner.agents.watchers_feeds import Feed
from oppspot_runner.base.errors import CallError, MalformedAnswerError
from oppspot_runner.companies.company import Company
from oppspot_runner.signals.sighting import Sighting
from oppspot_runner.testing.world import Content, News, Page, Site, World
from oppspot_runner.testing.world.making_sites import TRAPS
from oppspot_runner.testing.world.world import NOW
from tests.agents.looking import Looker, company, looking

DAY = timedelta(days=1)
LATER = timedelta(hours=6)
SITE = "harbourledger"
BROKEN = MalformedAnswerError.code
NAMES = ("Harbour Ledger Ltd", "Quay Works Ltd")
LINKED = '<p>Read <a href="https://www.harbourledger.co.uk/news">their news</a>.</p>'


def news(days: float, title: str, text: str = "") -> News:
    return News(NOW + days * DAY, title, text)


def with_news(*own: News, press: Any = ()) -> World:
    site = Site({"/": Page("<h1>Harbour Ledger</h1>")}, news=own)
    return World(Content(sites={SITE: site}, feeds={"news": press}))


def ours(world: World, **values: Any) -> Company:
    links = {"feed": f"{world.site_url(SITE)}feed.xml"}
    return company(
        "Harbour Ledger Ltd", **{"links": links, "domain": "harbourledger.co.uk", **values}
    )


async def seen(looker: Looker, watcher: Feed, about: Company) -> list[Sighting]:
    look = await looker.look(watcher, about)
    assert look is not None
    return list(look.sightings)


async def test_the_own_feed_tells_each_day_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    world = with_news(
        news(-100, "We have raised £1m in seed funding"),
        news(-3, "Harbour Ledger expands into Germany"),
        news(-2, "Our customer Bolt raises $20m"),
        news(-1, "Ten tips for your books"),
        news(1, "We have raised £5m"),
        news(2, "Ada Lovell joins Harbour Ledger as CFO"),
    )
    told = []
    with world:
        async with looking(world, monkeypatch) as looker:
            about = ours(world)
            for _ in range(4):
                told.append([one.title for one in await seen(looker, Feed(), about)])
                world.clock.advance(DAY)
    assert told == [
        ["Harbour Ledger expands into Germany"],
        ["We have raised £5m", "Harbour Ledger expands into Germany"],
        [
            "Ada Lovell joins Harbour Ledger as CFO",
            "We have raised £5m",
            "Harbour Ledger expands into Germany",
        ],
        [],  # the feed is as it was
    ]


async def test_a_sighting_says_what_was_raised_and_where_that_is_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with with_news(news(-1, "Harbour Ledger raises £5m Series A")) as world:
        async with looking(world, monkeypatch) as looker:
            (one,) = await seen(looker, Feed(), ours(world))
    assert one.source == f"feed:{SITE}.localhost"
    assert (one.signal_type, one.confidence, one.strength) == ("funding_round", 80, "strong")
    assert one.occurred_at == datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert one.data == {"amount": 5_000_000, "currency": "GBP", "round": "series_a"}
    assert one.source_url == f"https://{SITE}.localhost/2026/11/01"


async def test_a_feed_that_did_not_change_is_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with with_news(news(-1, "We have raised £5m")) as world:
        async with looking(world, monkeypatch) as looker:
            about = ours(world)
            assert len(await seen(looker, Feed(), about)) == 1
            monkeypatch.setattr("oppspot_runner.agents.watchers_feeds.read_feed", None)
            world.clock.advance(LATER)
            assert await seen(looker, Feed(), about) == []
            again = world.seen(f"/site/{SITE}/feed.xml")[-1]
    assert again.headers["if-none-match"]
    assert len(world.seen(f"/site/{SITE}/feed.xml")) == 2


PRESS = (
    news(-1, "Harbour Ledger raises £5m", LINKED),
    news(-2, "Bolt raises $9m", LINKED),
    news(-3, "Why Harbour Ledger left the cloud"),
    news(-4, "Somebody else raises $9m"),
    news(-99, "Harbour Ledger raises £1m", LINKED),
)


async def test_the_press_is_matched_by_domain_and_by_distinctive_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with with_news(press=PRESS) as world:
        async with looking(world, monkeypatch) as looker:
            watcher = Feed(feeds=[f"{world.url}/feed/news"])
            told = await seen(looker, watcher, ours(world, links={}))
            plain = await seen(looker, watcher, company("Ledger Ltd"))
    assert [(one.signal_type, one.title, one.confidence) for one in told] == [
        ("funding_round", "Harbour Ledger raises £5m", 75),
        ("news_mention", "Bolt raises $9m", 75),
        ("news_mention", "Why Harbour Ledger left the cloud", 60),
    ]
    assert told[2].data == {"written": "Harbour Ledger"}
    assert plain == []


async def test_the_press_is_read_once_for_all_companies(monkeypatch: pytest.MonkeyPatch) -> None:
    with with_news(press=PRESS) as world:
        async with looking(world, monkeypatch) as looker:
            watcher = Feed(feeds=[f"{world.url}/feed/news"] * 2)
            ctx = looker.context(force=True)
            for name in ("Harbour Ledger Ltd", "Bolt Ltd", "Quay Works Ltd"):
                await looker.look(watcher, company(name), ctx)
            assert len(world.seen("/feed/news")) == 1


async def test_one_feed_that_fails_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with with_news(news(-1, "We have raised £5m"), press=b"<html>no feed</html>") as world:
        async with looking(world, monkeypatch) as looker:
            watcher = Feed(feeds=[f"{world.url}/feed/news"])
            look = await looker.look(watcher, ours(world))
            assert look is not None
            assert (len(look.sightings), [one.code for one in look.errors]) == (1, [BROKEN])
            with pytest.raises(MalformedAnswerError, match="no feed in RSS or Atom"):
                await looker.look(watcher, company("Bolt Ltd"))
            world.fault(f"/site/{SITE}/feed.xml", status=429, times=None)
            world.clock.advance(LATER)
            with pytest.raises(CallError):
                await looker.look(watcher, ours(world))


async def test_of_several_feeds_one_that_fails_is_told_as_one_error_for_all_companies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feeds = {"news": PRESS, "broken": b"<html>no feed</html>"}
    with World(Content(feeds=feeds)) as world:
        async with looking(world, monkeypatch) as looker:
            watcher = Feed(feeds=[f"{world.url}/feed/{name}" for name in feeds])
            looks = [await looker.look(watcher, company(name)) for name in NAMES]
    told, plain = [look for look in looks if look is not None]
    assert (len(told.sightings), len(plain.sightings)) == (2, 0)
    assert [one.code for one in told.errors] == [BROKEN]
    assert plain.errors[0] is told.errors[0]


async def test_a_feed_that_is_gone_is_no_news_and_a_company_without_one_no_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with with_news() as world:
        async with looking(world, monkeypatch) as looker:
            assert await seen(looker, Feed(), ours(world)) == []
            assert await looker.look(Feed(), company("Bolt Ltd")) is None


async def test_entries_without_a_date_are_new_when_they_were_not_there_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def feed(*titles: str) -> bytes:
        items = "".join(f"<item><title>{title}</title></item>" for title in titles)
        return f'<rss version="2.0"><channel>{items}</channel></rss>'.encode()

    old, new = "Harbour Ledger raises £1m", "Harbour Ledger raises £5m"
    feeds = {"news": feed(old)}
    with World(Content(feeds=feeds)) as world:
        async with looking(world, monkeypatch) as looker:
            about, watcher = company("Harbour Ledger Ltd"), [f"{world.url}/feed/news"]
            assert await seen(looker, Feed(feeds=watcher), about) == []
            feeds["news"] = feed(new, old)
            world.clock.advance(LATER)
            (one,) = await seen(looker, Feed(feeds=watcher), about)
            assert (one.title, one.occurred_at) == (new, NOW + LATER)
            world.clock.advance(LATER)
            assert await seen(looker, Feed(feeds=watcher), about) == []


async def test_what_is_dated_ahead_happens_now(monkeypatch: pytest.MonkeyPatch) -> None:
    item = (
        b"<item><title>We have raised \xc2\xa35m</title><pubDate>Sat, 01 Jan 2028</pubDate></item>"
    )
    page = Page(b'<rss version="2.0"><channel>' + item + b"</channel></rss>")
    with World(Content(sites={SITE: Site({"/feed.xml": page})})) as world:
        async with looking(world, monkeypatch) as looker:
            (one,) = await seen(looker, Feed(), ours(world))
    assert one.occurred_at == NOW


@pytest.mark.slow
async def test_the_made_world_has_news_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    types = set[str]()
    with World() as world:
        async with looking(world, monkeypatch) as looker:
            watcher = Feed(feeds=[f"{world.url}/feed/news"])
            world.clock.advance(7 * DAY)
            named = [one for one in world.content.companies if one.site and one.site not in TRAPS]
            for one in named[:28]:
                links = {"feed": f"{world.site_url(one.site or '')}feed.xml"}
                told = await seen(looker, watcher, company(one.name, links=links))
                types |= {sighting.signal_type for sighting in told}
    assert types == set(Feed.types)
