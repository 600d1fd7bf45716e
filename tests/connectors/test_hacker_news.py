"""Hacker News: all stories of a time, each once, whatever the search does not reach at once."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppspot_runner.base.errors import MalformedAnswerError
from oppspot_runner.connectors.hacker_news import HackerNews, Stories
from oppspot_runner.connectors.story_slices import MOST_POINTS, Slice
from oppspot_runner.posts.post import Counts, Post
from tests.posts.platforms import Platforms, story

BEGIN, DAY = 1_470_000_000, 86_400
WIDE = Slice(0, 2**40)
SLICES = st.builds(
    lambda begin, length, least, span: Slice(
        begin, begin + length, least, None if span is None else least + span
    ),
    st.integers(0, 2**31),
    st.integers(1, 10**9),
    st.integers(0, 10_000),
    st.none() | st.integers(1, 10_000),
)


async def all_of(platforms: Platforms, whole: Slice, query: str = "") -> tuple[list[Post], int]:
    """The stories of a part and of its halves, as the agent reads them; and what is unreachable."""
    posts, unreachable, waiting = [], 0, [whole]
    while waiting:
        part = waiting.pop()
        read = await HackerNews(platforms).stories(query, part)
        if read is None:
            waiting.extend(reversed(part.halves() or ()))
        else:
            posts += read.posts
            unreachable += read.unreachable
    return posts, unreachable


def ids(posts: list[Post]) -> list[int]:
    return sorted(int(post.external_id) for post in posts)


@given(SLICES, st.integers(0, 2**31), st.integers(0, 30_000))
def test_halves_share_nothing_and_are_the_whole(part: Slice, time: int, points: int) -> None:
    halves = part.halves()
    if halves is None:
        assert part.end - part.begin == 1
        assert part.least + 1 == part.most or part.least * 2 + 1 >= MOST_POINTS
    else:
        assert sum(half.holds(time, points) for half in halves) == part.holds(time, points)


@pytest.mark.slow
async def test_a_range_with_more_than_the_search_reaches_comes_whole_and_the_older_first() -> None:
    times = random.Random(1)
    stories = [story(n, BEGIN + times.randrange(10 * DAY)) for n in range(4_321)]
    platforms = Platforms(stories)
    posts, unreachable = await all_of(platforms, Slice(BEGIN, BEGIN + 10 * DAY))
    assert ids(posts) == list(range(4_321))
    assert unreachable == 0
    parts = {given["numericFilters"]: None for _, _, given in platforms.asked}
    begins = [int(one.split(">=")[1].split(",")[0]) for one in parts]
    assert begins == sorted(begins)
    assert len(platforms.asked) < 2 * 4_321 / 100 + 20


@pytest.mark.parametrize("count", [999, 1_000, 1_001, 2_500])
async def test_many_of_one_second_are_told_apart_by_their_points(count: int) -> None:
    stories = [story(n, BEGIN, points=n % 900) for n in range(count)]
    stories += [story(10_000, BEGIN - 1), story(10_001, BEGIN + 1)]
    posts, unreachable = await all_of(Platforms(stories), Slice(BEGIN, BEGIN + 1))
    assert ids(posts) == list(range(count))
    assert unreachable == 0


async def test_what_cannot_be_told_apart_is_counted_and_not_passed_over() -> None:
    stories = [story(n, BEGIN, points=3) for n in range(1_200)]
    posts, unreachable = await all_of(Platforms(stories), Slice(BEGIN - 5, BEGIN + 5))
    assert len(ids(posts)) == len(set(ids(posts))) == 1_000
    assert unreachable == 200


async def test_a_search_that_does_not_heed_its_filters_is_told_as_such() -> None:
    answered = {"hits": [story(1, BEGIN - 1)], "nbHits": 5_000, "nbPages": 10}
    with pytest.raises(MalformedAnswerError, match="another time"):
        await HackerNews(Platforms(faults=[answered])).stories("", Slice(BEGIN, BEGIN + 9))


async def test_a_story_that_goes_while_pages_are_turned_hides_no_other() -> None:
    class Changing(Platforms):
        def search(self, given: Any) -> dict[str, Any]:
            answered = super().search(given)
            if given["page"] == 0 and len(self.asked) == 1:
                self.stories.remove(self.stories[-1])
            return answered

    stories = [story(n, BEGIN + n) for n in range(250)]
    posts, unreachable = await all_of(Changing(stories), Slice(BEGIN, BEGIN + 300))
    assert ids(posts) == list(range(250))
    assert unreachable == 0


async def test_a_query_finds_its_stories_alone() -> None:
    stories = [story(1, BEGIN, "On Postgres"), story(2, BEGIN, "On tea")]
    posts, _ = await all_of(Platforms(stories), Slice(BEGIN, BEGIN + 1), "postgres")
    assert ids(posts) == [1]


async def test_a_hit_becomes_a_post() -> None:
    hit = story(
        7,
        BEGIN,
        "Ask HN: <b> &amp;",
        url="",
        points=12,
        num_comments=4,
        story_text="first<p>see <a href='https://acme.com'>them</a>",
        _tags=["story", "author_ann", "story_7", "ask_hn"],
    )
    (post,), _ = await all_of(Platforms([hit]), Slice(BEGIN, BEGIN + 1))
    assert post.model_dump(mode="json", exclude_defaults=True) == {
        "external_id": "7",
        "title": "Ask HN: <b> &amp;",
        "link": "https://news.ycombinator.com/item?id=7",
        "posted_at": "2016-07-31T21:20:00Z",
        "author": "ann",
        "text": "first\nsee them (https://acme.com)",
        "score": 12,
        "comments": 4,
        "payload": {"tags": ["story", "ask_hn"]},
    }


DRIFTED: list[Any] = [
    {"objectID": "no-number"},
    {"objectID": None},
    {"title": None},
    {"title": ""},
    {"created_at_i": "soon"},
    {"created_at_i": 10**15},
    {"created_at_i": -1},
]


@pytest.mark.parametrize("values", DRIFTED)
async def test_a_hit_that_lacks_something_is_left_out_and_counted(values: dict[str, Any]) -> None:
    answered = {
        "hits": [{**story(1, BEGIN), **values}, story(2, BEGIN), 3],
        "nbHits": 3,
        "nbPages": 1,
    }
    read = await HackerNews(Platforms(faults=[answered])).stories("", WIDE)
    assert isinstance(read, Stories)
    assert (ids(read.posts), read.drifted) == ([2], 2)


@pytest.mark.parametrize("values", [{"points": None}, {"num_comments": None}, {"new": {"a": 1}}])
async def test_what_may_be_missing_or_new_harms_nothing(values: dict[str, Any]) -> None:
    answered = {"hits": [{**story(1, BEGIN), **values}], "nbHits": 1, "nbPages": 1, "more": 1}
    read = await HackerNews(Platforms(faults=[answered])).stories("", WIDE)
    assert read is not None
    assert ids(read.posts) == [1]


@pytest.mark.parametrize("answered", [[], {"hits": {}}, {"message": "no"}, None, 3])
async def test_an_answer_of_another_shape_is_told_as_such(answered: Any) -> None:
    with pytest.raises(MalformedAnswerError, match="another shape"):
        await HackerNews(Platforms(faults=[answered])).stories("", WIDE)


ITEMS: list[tuple[Any, Counts | None]] = [
    ({"id": 1, "score": 5, "descendants": 2, "by": "ann"}, Counts("1", 5, 2)),
    ({"id": 1, "type": "job", "score": 1}, Counts("1", 1, 0)),
    ({"id": 1, "deleted": True, "time": 3}, Counts("1", 0, 0, removed=True)),
    ({"id": 1, "dead": True, "score": 1, "title": "[dead]"}, Counts("1", 1, 0, removed=True)),
    (None, None),
]


@pytest.mark.parametrize(("item", "counts"), ITEMS)
async def test_an_item_says_how_a_story_fares(item: Any, counts: Counts | None) -> None:
    assert await HackerNews(Platforms(items={"1": item})).counts("1") == counts


async def test_an_item_of_another_shape_is_told_as_such() -> None:
    with pytest.raises(MalformedAnswerError, match="id"):
        await HackerNews(Platforms(items={"1": {"error": "no"}})).counts("1")
