"""Posts in the database: each once, up to date, linked to companies, and none lost for another."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from oppspot_runner.posts.mentions import candidates
from oppspot_runner.posts.post import Counts, Intent, Mention, Post, Saved
from oppspot_runner.streams import posts as module
from oppspot_runner.streams.posts import PostStore
from tests.posts.making import NOW, post
from tests.streams.world import World


def some(*numbers: int, **values: Any) -> list[Post]:
    return [post(f"post {number}", external_id=str(number), **values) for number in numbers]


async def save(
    world: World, posts: list[Post], org_id: UUID | None = None, platform: str = "hackernews"
) -> Saved:
    agent = await world.agent("hackernews", org_id)
    store = PostStore(world.db, org_id)
    async with world.db.transaction() as tx:
        return await store.save(platform, posts, agent_id=agent.id, tx=tx)


async def stored(world: World) -> list[dict[str, Any]]:
    return await world.all("SELECT * FROM source_items ORDER BY platform, external_id, org_id")


async def test_a_post_is_kept_with_all_that_is_known_of_it(world: World) -> None:
    one = post(
        "Looking for a CRM",
        url="https://acme.com",
        author="ann",
        community="crm",
        text="of any kind",
        score=3,
        comments=2,
        relevance=41.5,
        reasons=[{"part": "keywords", "points": 41.5, "text": "crm in the title"}],
        intents=[Intent(rule="looking_for", words="Looking for", place="title")],
        payload={"flair": "Question"},
    )
    await save(world, [one])
    (row,) = await stored(world)
    expected = one.model_dump(exclude={"companies"})
    assert {name: row[name] for name in expected} == expected
    assert row["first_seen_at"] == row["last_seen_at"]


async def test_a_post_that_comes_again_is_one_row_with_its_newest_state(world: World) -> None:
    assert (await save(world, some(1, 2))).new == ["1", "2"]
    (first, _) = await stored(world)
    saved = await save(world, some(2, 3, score=7, text="edited"))
    assert (saved.new, saved.known, saved.refused) == (["3"], ["2"], {})
    rows = await stored(world)
    assert [(row["score"], row["text"]) for row in rows] == [(0, ""), (7, "edited"), (7, "edited")]
    assert rows[0] == first
    assert rows[1]["last_seen_at"] > rows[1]["first_seen_at"]


async def test_each_organisation_and_platform_has_its_own(world: World) -> None:
    one, other = await world.organisation(), await world.organisation()
    for org_id in (None, one, other):
        assert (await save(world, some(1), org_id)).new == ["1"]
    assert (await save(world, some(1), platform="reddit")).new == ["1"]
    assert len(await stored(world)) == 4


BAD: dict[str, dict[str, Any]] = {
    "a score that no integer holds": {"score": 10**12},
    "fewer than no comments": {"comments": -1},
    "no address to read it at": {"link": "javascript:alert(1)"},
    "no id": {"external_id": ""},
    "a relevance beyond the scale": {"relevance": 101.0},
}


@pytest.mark.parametrize("values", BAD.values(), ids=BAD.keys())
async def test_one_that_is_refused_is_told_and_the_others_are_saved(
    world: World, values: dict[str, Any]
) -> None:
    bad = post(**{"external_id": "bad", **values})
    saved = await save(world, [*some(1, 2), bad, *some(3, 4)])
    assert sorted(saved.new) == ["1", "2", "3", "4"]
    assert list(saved.refused) == [bad.external_id]
    assert len(await stored(world)) == 4


async def test_all_that_are_refused_are_told(world: World) -> None:
    saved = await save(world, some(1, 2, 3, comments=-1))
    assert sorted(saved.refused) == ["1", "2", "3"]
    assert "source_items_comments_check" in saved.refused["1"]
    assert await stored(world) == []


async def test_characters_that_postgres_cannot_hold_are_left_out(world: World) -> None:
    one = post("NUL \x00 and \ud800", text="\x00", payload={"a\x00": float("nan")})
    assert (await save(world, [one])).refused == {}
    (row,) = await stored(world)
    assert (row["title"], row["text"], row["payload"]) == ("NUL  and ?", "", {"a": None})


async def test_more_than_one_statement_holds_are_saved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 3)
    saved = await save(world, [*some(*range(1, 8)), *some(9, comments=-1)])
    assert (len(saved.new), list(saved.refused)) == (7, ["9"])


async def test_two_writers_in_opposite_orders_save_each_post_once(world: World) -> None:
    numbers = range(1, 401)
    first, second = await asyncio.gather(
        save(world, some(*numbers)), save(world, some(*reversed(numbers)))
    )
    assert sorted(first.new + second.new, key=int) == [str(number) for number in numbers]
    assert sorted(first.new + first.known) == sorted(second.new + second.known)


async def test_posts_are_linked_to_companies_that_may_be_seen(world: World) -> None:
    org_id = await world.organisation()
    acme = await world.company("Acme", facts=False)
    foreign = await world.company("Foreign", org_id=await world.organisation(), facts=False)
    named = [
        Mention(company_id=one, matched_by="domain", found="acme.com")
        for one in (acme, foreign, uuid4())
    ]
    for _ in range(2):
        assert (await save(world, some(1, companies=named), org_id)).refused == {}
    links = await world.all("SELECT company_id, matched_by, found FROM source_item_companies")
    assert links == [{"company_id": acme, "matched_by": "domain", "found": "acme.com"}]


async def test_companies_are_found_by_exact_domain_and_by_a_name_that_is_theirs_alone(
    world: World,
) -> None:
    org_id = await world.organisation()
    acme = await world.company("Acme Robotics Ltd", domain="acme.com", facts=False)
    own = await world.company("Own Robotics", org_id=org_id, facts=False)
    twin = "Twin Gadgets Ltd"
    for _ in range(2):
        await world.company(twin, facts=False)
    await world.company("Foreign Robotics", org_id=await world.organisation(), facts=False)
    merged = await world.company("Oldacme Widgets", domain="oldacme.com", facts=False)
    await world.db.execute("UPDATE companies SET merged_into = %s WHERE id = %s", (acme, merged))
    found = await PostStore(world.db, org_id).companies_in(
        [
            candidates(post(url="https://www.acme.com/x")),
            candidates(post("Own Robotics and Foreign Robotics meet Twin Gadgets")),
            candidates(post(url="https://oldacme.com", text="Acme Robotics")),
            candidates(post("nothing", url="https://notacme.com")),
        ]
    )
    assert [[(one.company_id, one.matched_by) for one in each] for each in found] == [
        [(acme, "domain")],
        [(own, "name")],
        [(acme, "domain")],
        [],
    ]
    assert await PostStore(world.db, org_id).companies_in([candidates(post("x"))]) == [[]]


async def test_young_posts_are_the_newest_within_the_age(world: World) -> None:
    now = (await world.one("SELECT oppspot_now() AS now"))["now"]
    old = [
        post(external_id=str(hours), posted_at=now - timedelta(hours=hours))
        for hours in (1, 30, 47, 49)
    ]
    await save(world, [*old, post(external_id="gone", posted_at=now, removed=True)])
    store = PostStore(world.db, None)
    assert await store.young("hackernews", timedelta(hours=48), 10) == ["1", "30", "47"]
    assert await store.young("hackernews", timedelta(hours=48), 2) == ["1", "30"]
    assert await store.young("reddit", timedelta(hours=48), 10) == []
    other = PostStore(world.db, await world.organisation())
    assert await other.young("hackernews", timedelta(hours=48), 10) == []


async def test_counts_are_brought_up_to_date_and_what_is_gone_loses_its_words(
    world: World,
) -> None:
    await save(world, some(1, 2, 3, score=5, text="words", author="ann", payload={"a": 1}))
    store = PostStore(world.db, None)
    counts = [Counts("1", 9, 1), Counts("2", 5, 0), Counts("3", removed=True), Counts("4", 1, 1)]
    for changed in (2, 0):
        async with world.db.transaction() as tx:
            assert await store.update_counts("hackernews", counts, tx=tx) == changed
    one, two, three = await stored(world)
    assert (one["score"], one["comments"], one["text"]) == (9, 1, "words")
    assert two["score"] == 5
    gone = ("title", "text", "author", "url", "payload", "removed", "score")
    assert [three[name] for name in gone] == ["", "", None, None, {}, True, 5]


async def test_a_cursor_only_moves_forward(world: World) -> None:
    agent = await world.agent("hackernews")
    store = PostStore(world.db, None)
    assert await store.cursor(agent.id, "hackernews:") is None
    for hours, expected in ((0, 0), (2, 2), (1, 2)):
        async with world.db.transaction() as tx:
            seen = NOW + timedelta(hours=hours)
            await store.move_cursor(agent.id, "hackernews:", seen, tx=tx)
        assert await store.cursor(agent.id, "hackernews:") == NOW + timedelta(hours=expected)
    assert await store.cursor(agent.id, "hackernews:crm") is None
