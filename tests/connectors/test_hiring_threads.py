"""Threads of who is hiring: the right ones, and all of their offers however many there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from oppspot_runner.base.errors import MalformedAnswerError
from oppspot_runner.connectors.hacker_news import PAGE
from oppspot_runner.connectors.hiring_threads import MOST_PAGES, HiringThreads
from oppspot_runner.testing.world.algolia import HackerNewsSearch
from oppspot_runner.testing.world.clock import WorldClock
from oppspot_runner.testing.world.content import Content, Item
from oppspot_runner.testing.world.exchange import Request
from oppspot_runner.testing.world.limits import Limit
from oppspot_runner.testing.world.scene import Scene
from tests.connectors.answering import Answering

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
BEGIN = int(NOW.timestamp()) - 86_400
THREAD = 7


def searched(*items: Item) -> Answering:
    """The search of the made world, without a server around it."""
    limits = {"hacker_news_search": Limit(1_000, 60.0)}
    scene = Scene(Content(items=items), WorldClock(NOW), "", 0, limits, {})
    search = HackerNewsSearch(scene)

    def answer(params: Any) -> bytes:
        query = "&".join(f"{name}={value}" for name, value in params.items())
        given = query.replace("<=", "%3C%3D").replace(">=", "%3E%3D")
        return search.answer(Request("GET", "search_by_date", given)).body

    return Answering({"search_by_date": answer})


def comment(number: int, time: int, text: str = "Quay Books | Engineer", **values: Any) -> Item:
    return Item(number, time, "comment", f"user{number}", text=text, **{"parent": THREAD, **values})


def thread(number: int = THREAD, title: str = "Ask HN: Who is hiring? (November 2026)") -> Item:
    return Item(number, BEGIN, by="whoishiring", title=title)


async def test_of_the_threads_of_that_author_only_those_for_jobs_count() -> None:
    asked = searched(
        thread(),
        thread(8, "Ask HN: Who wants to be hired? (November 2026)"),
        Item(9, BEGIN, by="somebody", title="Ask HN: Who is hiring?"),
        Item(10, BEGIN - 90 * 86_400, by="whoishiring", title="Ask HN: Who is hiring?"),
    )
    since = NOW - timedelta(days=45)
    assert await HiringThreads(asked.web()).since(since) == [str(THREAD)]


@pytest.mark.parametrize("count", [0, PAGE - 1, PAGE, 3 * PAGE, 1_234])
async def test_all_offers_are_read_also_beyond_what_pages_reach(count: int) -> None:
    comments = [comment(100 + n, BEGIN + n // 3) for n in range(count)]  # three of each second
    found = await HiringThreads(searched(thread(), *comments).web()).offers(str(THREAD))
    assert {int(one.comment_id) for one in found.offers} == {one.id for one in comments}
    assert (len(found.offers), found.drifted) == (count, 0)


async def test_answers_to_offers_are_none() -> None:
    asked = searched(
        thread(), comment(100, BEGIN + 1), comment(101, BEGIN + 2, "A | B", parent=100)
    )
    found = await HiringThreads(asked.web()).offers(str(THREAD))
    assert [one.comment_id for one in found.offers] == ["100"]


async def test_comments_that_lack_something_are_left_out_and_counted() -> None:
    right = {
        "objectID": "100",
        "parent_id": THREAD,
        "created_at_i": BEGIN,
        "comment_text": "Quay Books | Engineer",
    }
    wrong = [{**right, "objectID": "x"}, {**right, "comment_text": None}, {"objectID": "3"}, 3]
    answer = {"hits": [right, *wrong], "nbHits": 5, "nbPages": 1}
    found = await HiringThreads(Answering({"search_by_date": answer}).web()).offers(str(THREAD))
    assert ([one.comment_id for one in found.offers], found.drifted) == (["100"], 4)


async def test_a_thread_that_does_not_end_is_no_answer() -> None:
    times = iter(range(BEGIN, 0, -1))

    def answer(_params: Any) -> Any:
        hits = [
            {
                "objectID": str(at),
                "parent_id": THREAD,
                "created_at_i": at,
                "comment_text": "Quay Books | Engineer",
            }
            for at, _ in zip(times, range(PAGE), strict=False)
        ]
        return {"hits": hits, "nbHits": 10**6, "nbPages": 10}

    asked = Answering({"search_by_date": answer})
    with pytest.raises(MalformedAnswerError, match="more than"):
        await HiringThreads(asked.web()).offers(str(THREAD))
    assert len(asked.paths) == MOST_PAGES
