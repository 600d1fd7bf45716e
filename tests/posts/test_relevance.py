"""The number that says how much a post matters, and the reasons that add up to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppspot_runner.posts.relevance import Yardstick
from tests.posts.making import NOW, post

# what the post is, keywords, the points by part
TABLE: list[tuple[dict[str, Any], list[str], dict[str, float]]] = [
    ({"title": "Postgres 19"}, ["postgres"], {"keywords": 48.0, "freshness": 15.0}),
    ({"title": "", "url": "postgres.org"}, ["postgres"], {"keywords": 36.0, "freshness": 15.0}),
    ({"title": "x", "text": "on Postgres"}, ["postgres"], {"keywords": 24.0, "freshness": 15.0}),
    ({"title": "", "community": "Postgres"}, ["postgres"], {"keywords": 36.0, "freshness": 15.0}),
    ({"title": "Postgres queues"}, ["postgres", "queues"], {"keywords": 57.6, "freshness": 15.0}),
    ({"title": "Postgres queues"}, ["postgres", "redis"], {"keywords": 48.0, "freshness": 15.0}),
    ({"title": "Postgresql"}, ["postgres"], {"freshness": 15.0}),
    ({"title": "task  Queue"}, ["task queue"], {"keywords": 48.0, "freshness": 15.0}),
    ({"title": "x", "score": 1000}, ["y"], {"attention": 25.0, "freshness": 15.0}),
    ({"title": "x", "score": 9, "comments": 1}, ["y"], {"attention": 8.7, "freshness": 15.0}),
    ({"title": "x", "score": 10_000}, [], {"attention": 62.5, "freshness": 37.5}),
    ({"title": "x", "score": -5}, [], {"freshness": 37.5}),
    ({"title": "x", "posted_at": NOW - timedelta(days=3)}, [], {"freshness": 18.8}),
    ({"title": "x", "posted_at": NOW + timedelta(days=1)}, [], {"freshness": 37.5}),
]  # fmt: skip


@pytest.mark.parametrize(("values", "keywords", "points"), TABLE)
def test_each_part_has_the_points_that_it_earned(
    values: dict[str, Any], keywords: list[str], points: dict[str, float]
) -> None:
    found = Yardstick(keywords, NOW).measure(post(**values))
    assert {one["part"]: one["points"] for one in found.reasons} == points


def test_the_reasons_say_where_each_keyword_stands() -> None:
    reasons = Yardstick(["crm", "invoices"], NOW).measure(
        post("A CRM", text="with invoices", score=3, posted_at=NOW - timedelta(hours=12))
    )
    assert [one["text"] for one in reasons.reasons] == [
        "crm in the title, invoices in the text",
        "3 points, 0 comments",
        "0.5 days old",
    ]


@given(
    title=st.sampled_from(["postgres", "a crm", "nothing", "crm on postgres"]),
    score=st.integers(-100, 100_000),
    comments=st.integers(0, 10_000),
    hours=st.floats(-10, 10_000),
    keywords=st.lists(st.sampled_from(["crm", "postgres", "redis"]), unique=True),
)
def test_the_points_add_up_exactly_and_stay_within_the_scale(
    title: str, score: int, comments: int, hours: float, keywords: list[str]
) -> None:
    one = post(title, score=score, comments=comments, posted_at=NOW - timedelta(hours=hours))
    found = Yardstick(keywords, NOW).measure(one)
    assert 0 <= found.value <= 100
    assert round(sum(reason["points"] for reason in found.reasons), 1) == found.value


@given(st.lists(st.sampled_from(["crm", "post", "redis", "sale"]), unique=True, min_size=1))
def test_one_more_keyword_that_is_found_never_lowers_the_number(keywords: list[str]) -> None:
    one = post("crm and redis", text="for a sale")
    value = Yardstick(keywords, NOW).measure(one).value
    assert Yardstick([*keywords, "crm"], NOW).measure(one).value >= value
