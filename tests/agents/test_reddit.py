"""The agent of Reddit: what it reads, what it skips and says, and where it stops."""

from __future__ import annotations

from typing import Any

import pytest

from oppspot_runner.agents.reddit import RedditAgent
from oppspot_runner.base.errors import (
    AccessDeniedError,
    Fail,
    MalformedAnswerError,
    RateLimitExceededError,
    SourceDownError,
)
from tests.agents.platform_runs import PlatformRuns
from tests.posts.platforms import Platforms, submission
from tests.streams.world import Steps, World, finish

DAY = 86_400
STARTUPS = {"subreddits": "startups"}


@pytest.fixture
async def runs(world: World) -> PlatformRuns:
    return PlatformRuns(world, RedditAgent, Platforms(posts={"startups": [], "crm": []}))


async def add(runs: PlatformRuns, *numbers: int, place: str = "startups", **values: Any) -> None:
    """Posts that are as many minutes old as their number."""
    now = await runs.now_s()
    runs.platforms.posts[place] += [
        submission(n, now - 60 * n, subreddit=place, **values) for n in numbers
    ]


def denied(status: int) -> AccessDeniedError:
    return AccessDeniedError("no", source="reddit", status=status)


def seen(results: dict[str, Any]) -> list[str]:
    return sorted(one["external_id"] for one in results["posts"])


async def test_posts_are_found_measured_linked_and_saved(world: World, runs: PlatformRuns) -> None:
    acme = await world.company("Acme Robotics Ltd", facts=False)
    await add(runs, 1, title="Alternative to Acme Robotics?", selftext="a CRM", score=5)
    await add(runs, 2, place="crm", title="Which CRM")
    results = await runs.run(
        {"subreddits": ["r/startups", "/r/crm/"], "goals": "CRM, Acme Robotics"}
    )
    posts = results.pop("posts")
    assert {one["external_id"] for one in posts} == {"p1", "p2"}
    first = next(one for one in posts if one["external_id"] == "p1")
    assert first["intents"] == [
        {"rule": "alternative", "words": "Alternative to", "place": "title"}
    ]
    assert [one["company_id"] for one in first["companies"]] == [str(acme)]
    assert results == {
        "posts_found": 2,
        "posts_saved": 2,
        "duplicates": 0,
        "not_saved": 0,
        "matched_companies": 1,
        "matched_intents": {"alternative": 1},
        "schema_drift": 0,
        "errors": {},
        "skipped": {},
        "api_calls": 2,
        "partial": False,
        "signals_created": 1,
    }
    (signal,) = await world.all("SELECT * FROM buying_signals")
    assert (signal["company_id"], signal["signal_type"]) == (acme, "competitor_mention")
    assert signal["title"] == "a post on reddit says 'alternative to'"
    assert [row["community"] for row in await runs.items()] == ["startups", "crm"]
    assert [given["q"] for _, _, given in runs.platforms.asked] == ['CRM OR "Acme Robotics"'] * 2
    again = await runs.run({"subreddits": ["startups", "crm"], "goals": "Acme Robotics"})
    assert again["signals_created"] == 0


async def test_a_second_run_reads_until_what_the_first_one_saw(runs: PlatformRuns) -> None:
    await add(runs, *range(10, 510))
    first = await runs.run({**STARTUPS, "limit": 1_000})
    assert (first["posts_saved"], first["api_calls"], first["partial"]) == (500, 5, False)
    await add(runs, 1, 2)
    second = await runs.run({**STARTUPS, "limit": 1_000})
    assert (second["posts_saved"], second["duplicates"]) == (2, 98)
    assert runs.platforms.requests["reddit"] == 6


@pytest.mark.parametrize("sort", ["hot", "top"])
async def test_another_order_than_by_time_has_no_place_to_go_on_from(
    runs: PlatformRuns, sort: str
) -> None:
    await add(runs, *range(250))
    for _ in range(2):
        results = await runs.run({**STARTUPS, "sort": sort, "limit": 1_000})
        assert results["posts_found"] == 250
    assert await runs.world.all("SELECT FROM source_cursors") == []
    assert {path for _, path, _ in runs.platforms.asked} == {f"r/startups/{sort}"}


async def test_empty_goals_are_none(runs: PlatformRuns) -> None:
    await runs.run({**STARTUPS, "goals": " "})
    assert [path for _, path, _ in runs.platforms.asked] == ["r/startups/new"]


async def test_the_limit_is_kept_and_said(runs: PlatformRuns) -> None:
    await add(runs, *range(250))
    results = await runs.run({**STARTUPS, "limit": 120})
    assert (results["posts_found"], results["partial"]) == (120, True)


async def test_without_subreddits_all_of_reddit_is_searched(runs: PlatformRuns) -> None:
    runs.platforms.posts[""] = [submission(1, await runs.now_s(), "a crm")]
    results = await runs.run({"query": "crm"})
    assert seen(results) == ["p1"]
    assert runs.platforms.asked[0][1] == "search"


async def test_low_scores_and_posts_for_adults_are_left_out_unless_wanted(
    runs: PlatformRuns,
) -> None:
    await add(runs, 1, score=0)
    await add(runs, 2, score=5)
    await add(runs, 3, score=9, over_18=True)
    assert seen(await runs.run(STARTUPS)) == ["p1", "p2"]
    assert seen(await runs.run({**STARTUPS, "min_score": 5})) == ["p2"]
    assert seen(await runs.run({**STARTUPS, "include_nsfw": True})) == ["p1", "p2", "p3"]


async def test_what_was_taken_away_loses_its_words_here_too(runs: PlatformRuns) -> None:
    await add(runs, 1, title="Looking for a CRM", selftext="my secret")
    assert len((await runs.run(STARTUPS))["posts"]) == 1
    runs.platforms.posts["startups"][0]["selftext"] = "[removed]"
    results = await runs.run(STARTUPS)
    assert (results["posts"], results["duplicates"]) == ([], 1)
    (row,) = await runs.items()
    assert (row["text"], row["removed"], row["intents"]) == ("", True, [])


async def test_without_a_key_one_clear_error_says_what_to_do(runs: PlatformRuns) -> None:
    runs.platforms.keys.clear()
    _, _, results = await runs.begun(STARTUPS)
    assert (results["retry"], results["posts"]) == (False, [])
    assert results["error"].startswith("SOURCE_NOT_CONFIGURED: reddit has no key")
    for told in ("on request only", "OPPSPOT_REDDIT_CLIENT_ID", "`hackernews`"):
        assert told in results["error"]
    assert runs.platforms.asked == []


async def test_a_subreddit_that_cannot_be_read_is_skipped_and_said(runs: PlatformRuns) -> None:
    await add(runs, 1)
    runs.platforms.refused = {"private_one": denied(403)}
    results = await runs.run({"subreddits": ["private_one", "nowhere", "startups"]})
    assert seen(results) == ["p1"]
    assert list(results["skipped"]) == ["private_one", "nowhere"]
    assert "403" in results["skipped"]["private_one"]
    assert "404" in results["skipped"]["nowhere"]


async def test_when_none_can_be_read_the_task_fails(runs: PlatformRuns) -> None:
    runs.platforms.refused = {"private_one": denied(403)}
    _, _, results = await runs.begun({"subreddits": ["private_one", "nowhere"]})
    assert results["retry"] is False
    assert results["error"].startswith("nothing could be read: private_one: private")


FAULTS: list[tuple[Any, bool]] = [
    (denied(401), False),
    (MalformedAnswerError("<html>", source="reddit", status=200), True),
    (SourceDownError("down", source="reddit", status=503), True),
]


@pytest.mark.parametrize(("fault", "retried"), FAULTS)
async def test_an_error_before_anything_was_read_is_the_result(
    runs: PlatformRuns, fault: Any, retried: bool
) -> None:
    runs.platforms.faults = [fault]
    _, _, results = await runs.begun(STARTUPS)
    assert (results["retry"], results["posts"]) == (retried, [])
    assert results["error"].startswith(fault.code)


async def test_an_error_after_something_was_read_is_counted(runs: PlatformRuns) -> None:
    await add(runs, 1)
    runs.platforms.before = 1
    runs.platforms.faults = [SourceDownError("down", source="reddit")]
    results = await runs.run({"subreddits": "startups,crm"})
    assert seen(results) == ["p1"]
    assert (results["errors"], results["partial"]) == ({"SOURCE_DOWN": 1}, True)


async def test_an_attempt_that_was_limited_goes_on_and_asks_nothing_twice(
    runs: PlatformRuns,
) -> None:
    await add(runs, *range(250))
    runs.platforms.before = 2
    runs.platforms.faults = [RateLimitExceededError("enough", retry_after_s=9)]
    steps, wanted = Steps(), {**STARTUPS, "limit": 1_000}
    with pytest.raises(RateLimitExceededError):
        await runs.begun(wanted, steps=steps)
    results = await finish(runs.world.db, *await runs.begun(wanted, steps=steps, attempt=2))
    assert results["posts_saved"] == 250
    pages = [given["after"] for _, _, given in runs.platforms.asked]
    assert pages == [None, "t3_p99", "t3_p199", "t3_p199"]


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "name subreddits, goals or a query"),
    ({"subreddits": "a b"}, "subreddits.0"),
    ({"subreddits": "../../etc"}, "subreddits.0"),
    ({"subreddits": "ünïcode"}, "subreddits.0"),
    ({"subreddits": ["startups", 5]}, "subreddits.1"),
    ({**STARTUPS, "sort": "relevance"}, "no relevance"),
    ({**STARTUPS, "sort": "best"}, "sort"),
    ({**STARTUPS, "limit": 2_000}, "limit"),
]


@pytest.mark.parametrize(("payload", "fault"), BAD)
async def test_what_cannot_be_searched_fails_and_names_the_field(
    runs: PlatformRuns, payload: dict[str, Any], fault: str
) -> None:
    with pytest.raises(Fail, match=fault):
        await runs.begun(payload)


async def test_goals_that_are_too_long_for_one_search_are_several(runs: PlatformRuns) -> None:
    await add(runs, 1, title="goal number 30 here")
    goals = [f"goal number {n} " + "x" * 100 for n in range(10)]
    results = await runs.run({**STARTUPS, "goals": [*goals, 'goal "number" 30', "x"]})
    assert results["posts_saved"] == 1
    asked = [given["q"] for _, _, given in runs.platforms.asked]
    assert max(map(len, asked)) <= 512
    assert " OR ".join(asked) == " OR ".join(
        [*(f'"{one}"' for one in goals), '"goal number 30"', "x"]
    )
    cursors = await runs.world.all("SELECT source FROM source_cursors")
    assert len(cursors) == 1
    assert len(cursors[0]["source"]) < 200
