"""Reddit: pages of posts, what may be missing in them, the token, and the calls that are left."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest

from oppspot_runner.base.errors import (
    AccessDeniedError,
    MalformedAnswerError,
    RateLimitExceededError,
)
from oppspot_runner.base.web import Answer
from oppspot_runner.connectors.reddit import Reddit
from oppspot_runner.connectors.reddit_auth import RedditAuth
from tests.posts.making import NOW
from tests.posts.platforms import Platforms, submission

CREATED = NOW.timestamp()


async def test_a_search_asks_for_posts_of_one_subreddit_or_of_all() -> None:
    platforms = Platforms(posts={"startups": [submission(1, CREATED)], "": []})
    reddit = Reddit(platforms)
    await reddit.search("crm", "startups", sort="top", time_filter="day", after="t3_p1")
    await reddit.search("crm")
    (_, first, given), (_, second, other) = platforms.asked
    assert (first, second) == ("r/startups/search", "search")
    assert given == {
        "q": "crm", "sort": "top", "t": "day", "syntax": "lucene", "type": "link",
        "restrict_sr": "true", "limit": 100, "raw_json": 1, "after": "t3_p1",
    }  # fmt: skip
    assert ("restrict_sr" in other, other["after"]) == (False, None)


async def test_a_listing_leads_from_page_to_page() -> None:
    platforms = Platforms(posts={"startups": [submission(n, CREATED - n) for n in range(250)]})
    reddit, seen, after = Reddit(platforms), [], None
    for expected in (100, 100, 50):
        page = await reddit.listing("startups", after=after)
        assert page is not None
        assert len(page.posts) == expected
        seen += [post.external_id for post in page.posts]
        after = page.after
    assert after is None
    assert seen == [f"p{n}" for n in range(250)]


async def test_there_is_no_such_subreddit() -> None:
    assert await Reddit(Platforms()).listing("nowhere") is None


async def test_a_submission_becomes_a_post() -> None:
    given = submission(
        7,
        CREATED,
        "Looking for a CRM",
        selftext="of any kind",
        is_self=False,
        url="https://acme.com",
        score=-3,
        num_comments=4,
        edited=CREATED,
        link_flair_text="Question",
    )
    page = await Reddit(Platforms(posts={"startups": [given]})).listing("startups")
    assert page is not None
    assert page.posts[0].model_dump(mode="json", exclude_defaults=True) == {
        "external_id": "p7",
        "title": "Looking for a CRM",
        "link": "https://www.reddit.com/r/startups/comments/p7/a_post/",
        "url": "https://acme.com",
        "posted_at": "2026-03-02T12:00:00Z",
        "author": "ann",
        "community": "startups",
        "text": "of any kind",
        "score": -3,
        "comments": 4,
        "payload": {
            "edited_at": "2026-03-02T12:00:00+00:00",
            "upvote_ratio": 0.9,
            "link_flair_text": "Question",
            "over_18": False,
            "stickied": False,
            "locked": False,
            "subreddit_subscribers": 10,
        },
    }


GONE: list[tuple[dict[str, Any], tuple[str | None, str, bool]]] = [
    ({"author": "[deleted]", "selftext": "still here"}, (None, "still here", False)),
    ({"author": "[deleted]", "selftext": "[deleted]"}, (None, "", True)),
    ({"selftext": "[removed]"}, ("ann", "", True)),
    ({"selftext": "words", "removed_by_category": "moderator"}, ("ann", "", True)),
    ({"edited": False}, ("ann", "", False)),
    ({"edited": True}, ("ann", "", False)),
    ({"author": None}, (None, "", False)),
]


@pytest.mark.parametrize(("values", "expected"), GONE)
async def test_of_a_post_that_was_taken_away_the_words_are_gone(
    values: dict[str, Any], expected: tuple[str | None, str, bool]
) -> None:
    platforms = Platforms(posts={"startups": [submission(1, CREATED, **values)]})
    page = await Reddit(platforms).listing("startups")
    assert page is not None
    (post,) = page.posts
    assert (post.author, post.text, post.removed) == expected


DRIFTED: list[dict[str, Any]] = [
    {"id": None},
    {"title": ""},
    {"permalink": "javascript:alert(1)"},
    {"created_utc": "soon"},
    {"created_utc": float("inf")},
    {"edited": "yesterday"},
]


@pytest.mark.parametrize("values", DRIFTED)
async def test_a_post_that_lacks_something_is_left_out_and_counted(values: dict[str, Any]) -> None:
    children = [
        {"kind": "t3", "data": {**submission(1, CREATED), **values}},
        {"kind": "t3", "data": submission(2, CREATED)},
        {"kind": "t5", "data": {"display_name": "a subreddit"}},
    ]
    answered = {"kind": "Listing", "data": {"after": None, "children": children}}
    page = await Reddit(Platforms(faults=[answered])).listing("startups")
    assert page is not None
    assert ([post.external_id for post in page.posts], page.drifted) == (["p2"], 1)


@pytest.mark.parametrize("answered", [[], {}, {"data": {}}, {"data": {"children": [1]}}, None])
async def test_an_answer_of_another_shape_is_told_as_such(answered: Any) -> None:
    with pytest.raises(MalformedAnswerError, match="another shape"):
        await Reddit(Platforms(faults=[answered])).listing("startups")


LEFT: list[tuple[dict[str, str], float | None]] = [
    ({"x-ratelimit-remaining": "151.0", "x-ratelimit-reset": "128"}, None),
    ({"x-ratelimit-remaining": "1.0", "x-ratelimit-reset": "128"}, None),
    ({"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "128"}, 128),
    ({"x-ratelimit-remaining": "0.5", "x-ratelimit-reset": "0"}, 1),
    ({"x-ratelimit-remaining": "0"}, 60),
    ({"x-ratelimit-remaining": "many"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "wait_s"), LEFT)
async def test_when_no_call_is_left_none_is_made(
    headers: dict[str, str], wait_s: float | None
) -> None:
    platforms = Platforms(posts={"startups": []}, headers=headers)
    reddit = Reddit(platforms)
    await reddit.listing("startups")
    if wait_s is None:
        await reddit.listing("startups")
        return
    with pytest.raises(RateLimitExceededError) as caught:
        await reddit.listing("startups")
    assert caught.value.retry_after_s == wait_s
    assert len(platforms.asked) == 1


class TokenService:
    """Gives tokens, by turns; `clock` is the time of those who use them."""

    def __init__(self, *answers: bytes, status: int = 200) -> None:
        self.answers = list(answers)
        self.status = status
        self.asked: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = []
        self.clock = 0.0

    async def __call__(
        self, url: str, *, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer:
        self.asked.append((url, form, headers))
        await asyncio.sleep(0)
        body = self.answers.pop(0) if self.answers else token(f"t{len(self.asked)}")
        return Answer("reddit", url, self.status, {}, body, NOW)

    def auth(self) -> RedditAuth:
        return RedditAuth("id", "secret", "me/1.0", "https://r/token", seconds=lambda: self.clock)


def token(text: str, seconds: float = 3_600) -> bytes:
    return (
        f'{{"access_token": "{text}", "token_type": "bearer", "expires_in": {seconds},'
        f' "scope": "*"}}'
    ).encode()


async def test_a_token_is_asked_for_as_reddit_wants_it_and_kept() -> None:
    service = TokenService()
    auth = service.auth()
    for _ in range(2):
        assert await auth.headers(service) == {"authorization": "Bearer t1", "user-agent": "me/1.0"}
    ((url, form, headers),) = service.asked
    assert (url, form) == ("https://r/token", {"grant_type": "client_credentials"})
    assert headers == {
        "authorization": "Basic " + b64encode(b"id:secret").decode(),
        "user-agent": "me/1.0",
    }


@pytest.mark.parametrize(("clock", "asked"), [(3_539.0, 1), (3_540.0, 2), (9_999.0, 2)])
async def test_a_token_is_renewed_a_minute_before_its_end(clock: float, asked: int) -> None:
    service = TokenService()
    auth = service.auth()
    await auth.headers(service)
    service.clock = clock
    await auth.headers(service)
    assert len(service.asked) == asked


async def test_one_that_was_not_accepted_is_replaced() -> None:
    service = TokenService()
    auth = service.auth()
    first = await auth.headers(service)
    auth.forget()
    assert await auth.headers(service) != first


async def test_many_who_ask_at_once_fetch_one_token() -> None:
    service = TokenService()
    auth = service.auth()
    await asyncio.gather(*[auth.headers(service) for _ in range(10)])
    assert len(service.asked) == 1


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"access_token": "", "expires_in": 9}', b"null"])
async def test_an_answer_without_a_token_is_told_as_such(body: bytes) -> None:
    service = TokenService(body)
    with pytest.raises(MalformedAnswerError):
        await service.auth().headers(service)


async def test_a_wrong_address_for_tokens_is_told_with_its_setting() -> None:
    service = TokenService(status=404)
    with pytest.raises(AccessDeniedError) as caught:
        await service.auth().headers(service)
    assert "OPPSPOT_REDDIT_TOKEN_URL" in (caught.value.hint or "")
