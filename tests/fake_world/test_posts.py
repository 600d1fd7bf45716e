"""The made Reddit, Hacker News and its search answer in the shapes of the real ones."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest

from oppspot_runner.testing.world import Content, Item, Limit, World
from oppspot_runner.testing.world.reddit import CLIENT_ID, CLIENT_SECRET
from tests.fake_world.asking import NAMED, ask, basic, reddit_token

TOKEN = "/reddit/api/v1/access_token"


def test_a_token_is_given_for_id_and_secret_and_ends(world: World) -> None:
    headers = reddit_token(world)
    assert ask(world, "/reddit/r/saas/new", headers).status == 200
    world.clock.advance(timedelta(hours=1))
    assert ask(world, "/reddit/r/saas/new", headers).status == 401
    assert ask(world, "/reddit/r/saas/new", NAMED).status == 401


def test_no_token_for_others_or_for_another_grant(world: World) -> None:
    form = "grant_type=client_credentials"
    assert ask(world, TOKEN, {**NAMED, **basic("x", "y")}, post=form).status == 401
    headers = {**NAMED, **basic(CLIENT_ID, CLIENT_SECRET)}
    other = ask(world, TOKEN, headers, post="grant_type=password").json
    assert other == {"error": "unsupported_grant_type"}


@pytest.mark.parametrize("name", ["", "python-httpx/1", "curl/8"])
def test_programs_without_a_name_of_their_own_are_slowed_down(name: str, world: World) -> None:
    assert ask(world, TOKEN, {"User-Agent": name}, post="x").status == 429


def test_a_listing_is_read_in_pages_to_its_end(world: World) -> None:
    headers, after, seen = reddit_token(world), "", []
    while after is not None:
        got = ask(world, f"/reddit/r/devops/new?limit=7&after={after}", headers)
        assert float(got.headers["x-ratelimit-remaining"]) > 0
        data = got.json["data"]
        seen += [one["data"]["id"] for one in data["children"]]
        after = data["after"]
    own = [one.id for one in world.content.posts if one.subreddit == "devops"]
    assert len(seen) == len(set(seen))
    assert set(seen) == set(own)


def test_a_search_keeps_to_words_community_and_time(world: World) -> None:
    headers = reddit_token(world)
    path = "/reddit/r/saas/search?q=%22moved%20from%22%20OR%20switching&limit=100&sort=new"
    everywhere = ask(world, path, headers).json["data"]["children"]
    own = ask(world, f"{path}&restrict_sr=true", headers).json["data"]["children"]
    assert (
        {one["data"]["subreddit"] for one in own}
        == {"saas"}
        != {one["data"]["subreddit"] for one in everywhere}
    )
    for one in everywhere:
        assert any(words in one["data"]["title"] for words in ("moved from", "switching"))
    today = ask(world, f"{path}&t=day", headers).json["data"]["children"]
    assert 0 < len(today) < len(everywhere)


def test_communities_may_be_private_banned_or_unknown(world: World) -> None:
    headers = reddit_token(world)
    names = ("foundersonly", "quickleads", "nobodyhere")
    statuses = [ask(world, f"/reddit/r/{name}/new", headers).status for name in names]
    assert statuses == [403, 404, 404]


def test_comments_come_with_their_post(world: World) -> None:
    post = next(one for one in world.content.posts if one.comments)
    first, second = ask(world, f"/reddit/comments/{post.id}", reddit_token(world)).json
    assert first["data"]["children"][0]["data"]["id"] == post.id
    assert len(second["data"]["children"]) == len(post.comments)


def test_an_application_has_so_many_calls() -> None:
    with World(limits={"reddit": Limit(1, 3_600.0)}) as world:
        headers = reddit_token(world)
        got = [ask(world, "/reddit/r/saas/hot", headers) for _ in range(2)]
    assert [one.status for one in got] == [200, 429]
    assert got[0].headers["x-ratelimit-remaining"] == "0.0"


def test_lists_of_hacker_news_are_ids_of_what_lives(world: World) -> None:
    items = {one.id: one for one in world.content.items}
    for name in ("top", "new", "best", "ask", "show", "job"):
        ids = ask(world, f"/hn/{name}stories.json").json
        assert ids
        assert not any(items[one].deleted or items[one].dead for one in ids)
    assert ask(world, "/hn/maxitem.json").json == max(items)
    assert ask(world, "/hn/updates.json").json["items"]


def test_items_may_be_deleted_dead_or_nothing(world: World) -> None:
    deleted = next(one for one in world.content.items if one.deleted)
    dead = next(one for one in world.content.items if one.dead)
    asked = next(one for one in world.content.items if (one.title or "").startswith("Ask HN"))
    shown = {one.id: ask(world, f"/hn/item/{one.id}.json").json for one in (deleted, dead, asked)}
    assert shown[deleted.id]["deleted"]
    assert "title" not in shown[deleted.id]
    assert shown[dead.id]["dead"]
    assert "url" not in shown[asked.id]
    for path in ("item/1", "item/x", "user/nobody", "nothing"):
        got = ask(world, f"/hn/{path}.json")
        assert (got.status, got.json) == (200, None)
    assert ask(world, f"/hn/user/{asked.by}.json").json["id"] == asked.by


def filters(text: str) -> str:
    return f"numericFilters={quote(text)}"


def test_a_search_keeps_to_words_tags_and_numbers(world: World) -> None:
    since = world.clock.seconds - 3 * 24 * 3_600
    bounds = filters(f"created_at_i>{since},points>5")
    tags = quote("story,(ask_hn,show_hn)")
    path = f"/algolia/search_by_date?tags={tags}&{bounds}&hitsPerPage=100"
    hits = ask(world, path).json["hits"]
    times = [one["created_at_i"] for one in hits]
    assert times == sorted(times, reverse=True)
    assert min(times) > since
    assert all({"ask_hn", "show_hn"} & set(one["_tags"]) for one in hits)
    assert all(one["points"] > 5 for one in hits)
    best = ask(world, "/algolia/search?query=series&tags=story").json["hits"]
    points = [one["points"] for one in best]
    assert points == sorted(points, reverse=True)
    assert all("Series" in one["title"] for one in best)


@pytest.mark.parametrize("wrong", [filters("points>"), filters("age>3"), "page=x", "page=-1"])
def test_a_search_that_makes_no_sense_is_refused(wrong: str, world: World) -> None:
    assert ask(world, f"/algolia/search?{wrong}").status == 400


def test_only_a_thousand_hits_are_reached() -> None:
    items = [Item(number, 1_000 + number, title="A story") for number in range(1, 1_201)]
    with World(Content(items=items)) as world:
        first = ask(world, "/algolia/search_by_date?hitsPerPage=300").json
        assert (first["nbHits"], first["nbPages"]) == (1_200, 4)
        pages = [
            ask(world, f"/algolia/search_by_date?hitsPerPage=300&page={page}").json["hits"]
            for page in range(6)
        ]
        part = filters("created_at_i>=1001,created_at_i<1201")
        rest = ask(world, f"/algolia/search_by_date?{part}&hitsPerPage=300").json
    assert [len(page) for page in pages] == [300, 300, 300, 100, 0, 0]
    assert [one["objectID"] for one in rest["hits"]] == [str(one) for one in range(200, 0, -1)]


def test_a_story_is_given_with_its_comments(world: World) -> None:
    story = next(
        one for one in world.content.items if one.descendants and not (one.deleted or one.dead)
    )
    tree = ask(world, f"/algolia/items/{story.id}").json
    assert [one["parent_id"] for one in tree["children"]] == [story.id] * story.descendants
    comments = ask(world, f"/algolia/search?tags=comment,story_{story.id}").json
    assert comments["nbHits"] == story.descendants
    assert ask(world, "/algolia/items/1").status == 404


def test_the_search_has_a_limit_of_its_own() -> None:
    with World(limits={"hacker_news_search": Limit(1, 3_600.0)}) as world:
        assert [ask(world, "/algolia/search").status for _ in range(2)] == [200, 429]


def test_a_feed_is_sent_once_to_who_keeps_it(world: World) -> None:
    got = ask(world, "/feed/news")
    assert got.text.startswith("<?xml")
    again = ask(world, "/feed/news", {"If-None-Match": got.headers["etag"]})
    assert again.status == 304
    assert ask(world, "/feed/none").status == 404
