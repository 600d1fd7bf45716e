"""The agent of Hacker News: what it reads, what it makes of it, and where it goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from oppspot_runner.agents.hacker_news import HackerNewsAgent
from oppspot_runner.agents.posts import MOST_SHOWN
from oppspot_runner.base.errors import (
    CallError,
    Fail,
    MalformedAnswerError,
    RateLimitExceededError,
    SourceDownError,
)
from tests.agents.platform_runs import PlatformRuns
from tests.posts.platforms import Platforms, story
from tests.streams.world import Steps, World, finish

HOUR, DAY = 3_600, 86_400


@pytest.fixture
async def runs(world: World) -> PlatformRuns:
    return PlatformRuns(world, HackerNewsAgent, Platforms())


def down(**options: Any) -> SourceDownError:
    return SourceDownError("the search is down", source="hacker_news_search", **options)


async def test_stories_are_found_measured_linked_and_saved(
    world: World, runs: PlatformRuns
) -> None:
    acme = await world.company("Acme Robotics Ltd", domain="acme.com", facts=False)
    now = await runs.now_s()
    runs.platforms.stories = [
        story(1, now - DAY, "Looking for a CRM", points=9, story_text="for five"),
        story(2, now - 2 * DAY, "The CRM of Acme Robotics", url="https://acme.com/crm"),
        story(3, now - 8 * DAY, "An old CRM"),
        story(4, now - DAY, "Something else"),
    ]
    results = await runs.run({"goals": "crm, invoices"})
    shown = results.pop("stories")
    assert [one["external_id"] for one in shown] == ["1", "2"]
    assert [one["rule"] for one in shown[0]["intents"]] == ["looking_for"]
    assert shown[1]["companies"] == [
        {"company_id": str(acme), "matched_by": "domain", "found": "acme.com"}
    ]
    assert results == {
        "stories_found": 2,
        "stories_saved": 2,
        "duplicates": 0,
        "updated": 0,
        "not_saved": 0,
        "matched_companies": 1,
        "matched_intents": {"looking_for": 1},
        "schema_drift": 0,
        "unreachable": 0,
        "errors": {},
        "api_calls": 2,
        "partial": False,
        "next_cursor": results["next_cursor"],
        "signals_created": 0,  # who looks for a CRM names no company
    }
    rows = await runs.items()
    assert [(row["platform"], row["external_id"]) for row in rows] == [
        ("hackernews", "1"),
        ("hackernews", "2"),
    ]
    assert rows[0]["relevance"] == pytest.approx(shown[0]["relevance"])
    assert len(await world.all("SELECT FROM source_item_companies")) == 1


async def test_a_story_that_two_goals_find_is_one(runs: PlatformRuns) -> None:
    now = await runs.now_s()
    runs.platforms.stories = [story(1, now - DAY, "A CRM on Postgres")]
    results = await runs.run({"goals": ["crm", "postgres"]})
    counted = ("stories_found", "stories_saved", "duplicates")
    assert [results[name] for name in counted] == [1, 1, 1]


async def test_the_next_run_goes_on_an_hour_before_the_newest_story(runs: PlatformRuns) -> None:
    now = await runs.now_s()
    runs.platforms.stories = [story(1, now - 5 * HOUR), story(2, now - 2 * HOUR)]
    await runs.run({"refresh": 0})
    late = story(3, now - 2 * HOUR - 1_800)
    runs.platforms.stories += [late, story(4, now - 60), story(5, now - 4 * HOUR)]
    results = await runs.run({"refresh": 0})
    counted = ("stories_found", "stories_saved", "duplicates")
    assert [results[name] for name in counted] == [3, 2, 1]
    assert [row["external_id"] for row in await runs.items()] == ["1", "2", "3", "4"]
    begin = runs.platforms.asked[-1][2]["numericFilters"].split(",")[0]
    assert begin == f"created_at_i>={now - 3 * HOUR}"


async def test_a_goal_that_is_new_begins_at_its_own_beginning(runs: PlatformRuns) -> None:
    now = await runs.now_s()
    runs.platforms.stories = [story(1, now - 60, "a crm"), story(2, now - 6 * DAY, "invoices")]
    await runs.run({"goals": "crm"})
    results = await runs.run({"goals": "crm, invoices"})
    assert results["stories_saved"] == 1


@pytest.mark.slow
async def test_a_run_takes_about_as_many_as_its_limit_and_others_go_on(
    runs: PlatformRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = await runs.now_s()
    runs.platforms.stories = [story(n, now - 6 * DAY + 120 * n) for n in range(3_000)]
    partial = []
    for _ in range(9):
        results = await runs.run({"limit": 500, "refresh": 0})
        partial.append(results["partial"])
        if not results["partial"]:
            break
    assert partial[0]
    assert not partial[-1]
    assert len(await runs.items()) == 3_000
    assert len(results["stories"]) <= MOST_SHOWN


@pytest.mark.slow
async def test_an_attempt_that_was_limited_goes_on_and_asks_nothing_twice(
    runs: PlatformRuns,
) -> None:
    now = await runs.now_s()
    runs.platforms.stories = [story(n, now - 6 * DAY + 120 * n) for n in range(3_000)]
    runs.platforms.before = 15
    runs.platforms.faults = [RateLimitExceededError("enough", retry_after_s=9)] * 1
    steps = Steps()
    with pytest.raises(RateLimitExceededError):
        await runs.begun({"refresh": 0}, steps=steps)
    assert await runs.items() == []
    first = [given for _, _, given in runs.platforms.asked]
    results = await finish(runs.world.db, *await runs.begun({"refresh": 0}, steps=steps, attempt=2))
    second = [given for _, _, given in runs.platforms.asked[len(first) :]]
    again = [given for given in second if given in first]
    assert len(again) < 10  # pages of the part that was on its way
    assert (results["stories_saved"], len(await runs.items())) == (3_000, 3_000)


FIRST: list[tuple[CallError, bool]] = [
    (down(), True),
    (MalformedAnswerError("no json", source="hacker_news_search"), True),
]


@pytest.mark.parametrize(("fault", "retried"), FIRST)
async def test_an_error_before_anything_was_read_is_the_result(
    runs: PlatformRuns, fault: CallError, retried: bool
) -> None:
    runs.platforms.faults = [fault]
    _, _, results = await runs.begun()
    assert results == {"error": f"{fault.code}: {fault}", "retry": retried, "stories": []}


async def test_an_error_that_says_when_to_come_again_is_let_through(runs: PlatformRuns) -> None:
    runs.platforms.faults = [down(retry_after_s=30)]
    with pytest.raises(SourceDownError):
        await runs.begun()


async def test_an_error_after_something_was_read_is_counted(runs: PlatformRuns) -> None:
    now = await runs.now_s()
    runs.platforms.stories = [story(1, now - DAY, "a"), story(2, now - DAY, "b")]
    runs.platforms.before, runs.platforms.faults = 1, [down(retry_after_s=30)]
    results = await runs.run({"goals": "a,b", "refresh": 0})
    assert (results["errors"], results["partial"]) == ({"SOURCE_DOWN": 1}, True)
    assert results["stories_saved"] == 1
    again = await runs.run({"goals": "a,b", "refresh": 0})
    assert (again["stories_saved"], again["partial"]) == (1, False)


async def test_young_stories_are_followed_and_what_is_gone_loses_its_words(
    runs: PlatformRuns,
) -> None:
    now = await runs.now_s()
    ages = {1: 2, 2: 30, 3: 47, 4: 50, 5: 40, 6: 20}
    runs.platforms.stories = [story(n, now - hours * HOUR) for n, hours in ages.items()]
    await runs.run()
    runs.platforms.stories = []
    runs.platforms.items = {
        "2": {"id": 2, "score": 77, "descendants": 5},
        "3": {"id": 3, "deleted": True},
        "4": {"id": 4, "score": 99},
        "5": None,
        "6": {"id": 6, "score": 1},
    }
    results = await runs.run()
    assert (results["updated"], results["errors"]) == (2, {})
    rows = {row["external_id"]: row for row in await runs.items()}
    assert (rows["2"]["score"], rows["2"]["comments"]) == (77, 5)
    assert (rows["3"]["title"], rows["3"]["removed"]) == ("", True)
    assert (rows["4"]["score"], rows["6"]["title"]) == (1, "A story")


async def test_never_more_than_sixteen_stories_are_followed_at_once(
    runs: PlatformRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = await runs.now_s()
    runs.platforms.stories = [story(n, now - HOUR - n) for n in range(60)]
    await runs.run()
    runs.platforms.stories = []
    at_once, most = 0, 0

    async def get(*_: Any, **__: Any) -> Any:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.001)
        at_once -= 1
        raise RateLimitExceededError("enough", retry_after_s=1) if most > 99 else down()

    original = runs.platforms.get

    async def some(source: str, *args: Any, **options: Any) -> Any:
        return await (get if source == "hacker_news" else original)(source, *args, **options)

    monkeypatch.setattr(runs.platforms, "get", some)
    results = await runs.run()
    assert most == 16
    assert (results["errors"], results["updated"]) == ({"SOURCE_DOWN": 16}, 0)


async def test_a_run_of_a_time_of_its_own_leaves_the_cursor_alone(runs: PlatformRuns) -> None:
    runs.platforms.stories = [story(n, 1_470_000_000 + n) for n in range(10)]
    wanted = {"since": "2016-07-31T21:20:02Z", "until": "2016-07-31T21:20:05Z"}
    results = await runs.run(wanted)
    assert sorted(one["external_id"] for one in results["stories"]) == ["2", "3", "4"]
    assert results["next_cursor"] == "2016-07-31T21:20:04+00:00"
    assert await runs.world.all("SELECT FROM source_cursors") == []


async def test_where_to_go_on_is_where_the_goal_that_is_furthest_behind_is(
    runs: PlatformRuns,
) -> None:
    begin = 1_470_000_000
    runs.platforms.stories = [story(n, begin + n, "a story") for n in range(1, 4)]
    given = {"goals": "a, b", "since": "2016-07-31T21:20:00Z", "until": "2016-08-01T00:00:00Z"}
    results = await runs.run({**given, "limit": 2})
    assert results["partial"]
    assert results["next_cursor"] == "2016-07-31T21:20:00+00:00"


@pytest.mark.slow
async def test_two_runs_at_once_save_every_story_once(runs: PlatformRuns) -> None:
    now = await runs.now_s()
    runs.platforms.stories = [story(n, now - 6 * DAY + 120 * n) for n in range(2_500)]
    first, second = await asyncio.gather(runs.run(), runs.run())
    assert first["stories_saved"] + second["stories_saved"] == 2_500
    assert first["duplicates"] + second["duplicates"] == 2_500
    assert len(await runs.items()) == 2_500


async def test_one_story_that_cannot_be_saved_is_a_warning(runs: PlatformRuns) -> None:
    now = await runs.now_s()
    runs.platforms.stories = [story(1, now - 60, points=10**12), story(2, now - 60)]
    results = await runs.run()
    assert (results["stories_saved"], results["not_saved"]) == (1, 1)


async def test_when_no_story_can_be_saved_the_attempt_has_failed(runs: PlatformRuns) -> None:
    now = await runs.now_s()
    runs.platforms.stories = [story(1, now - 60, points=10**12)]
    agent, ctx, results = await runs.begun()
    async with runs.world.db.transaction() as tx:
        assert await agent.save_results(ctx, tx, results) is False


BAD: list[tuple[dict[str, Any], str]] = [
    ({"goals": 3}, "goals"),
    ({"goals": "a,,b"}, "goals.1"),
    ({"limit": 0}, "limit"),
    ({"tags": "comment"}, "tags"),
    ({"until": "2016-01-01T00:00:00Z"}, "until wants a since"),
    ({"since": "2016-01-01T00:00:00"}, "since"),
    ({"intents": {"x": "y"}}, "intents.x"),
]


@pytest.mark.parametrize(("payload", "fault"), BAD)
async def test_what_cannot_be_searched_fails_and_names_the_field(
    runs: PlatformRuns, payload: dict[str, Any], fault: str
) -> None:
    with pytest.raises(Fail, match=fault):
        await runs.begun(payload)
    assert runs.platforms.asked == []


async def test_without_goals_those_of_the_stream_count(runs: PlatformRuns) -> None:
    runs.stream_id = await runs.world.stream({"keywords": ["crm"]})
    await runs.run({"refresh": 0})
    assert [given["query"] for _, _, given in runs.platforms.asked] == ["crm"]


async def test_the_state_has_the_name_and_the_goals_of_the_agent(runs: PlatformRuns) -> None:
    agent, ctx, _ = await runs.begun({"goals": "sell, learn"})
    assert agent.create_initial_state(ctx) == {
        "agent_name": "hackernews",
        "goals": ["sell", "learn"],
    }
