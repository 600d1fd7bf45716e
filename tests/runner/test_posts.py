"""The agents of platforms in real runners, over HTTP against a world of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from oppspot_runner.agents.hacker_news import HackerNewsAgent
from oppspot_runner.agents.reddit import RedditAgent
from oppspot_runner.base.rate import RateLimit
from oppspot_runner.connectors import sources
from oppspot_runner.testing.world import World
from oppspot_runner.testing.world.content import Content, Item, RedditPost
from tests.runner.conftest import Bench

Opened = Callable[..., World]
SINCE = datetime(2016, 1, 1, tzinfo=UTC)
WIDE = RateLimit(10_000, 1.0)
BEGIN = int(SINCE.timestamp())


@pytest.fixture
def open_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """Opens a world with the given content; the environment leads to it, with wide limits."""
    opened: list[World] = []

    def limited(name: str, rate: RateLimit) -> None:
        source = replace(sources.SOURCES[name], rate=rate)
        monkeypatch.setitem(sources.SOURCES, name, source)  # type: ignore[arg-type]

    def open_one(rate: RateLimit = WIDE, **content: Any) -> World:
        world = World(Content(**content), now=datetime.now(UTC))
        opened.append(world.__enter__())
        for name, value in world.settings().items():
            monkeypatch.setenv(name, value)
        for name in ("reddit", "hacker_news", "hacker_news_search"):
            limited(name, rate)
        return world

    yield open_one
    for world in opened:
        world.__exit__(None, None, None)


def stories(count: int) -> list[Item]:
    """A story an hour."""
    return [Item(n, BEGIN + 3_600 * n, title=f"Story {n}") for n in range(count)]


async def agent_of(bench: Bench, kind: Any, **configuration: Any) -> Any:
    bench.registry.register(kind)
    return await bench.agent_row(kind.agent_type, configuration=json.dumps(configuration))


async def output(bench: Bench, task: Any) -> dict[str, Any]:
    found = (await bench.attempts(task))[-1]
    assert found["status"] == "completed", found["error_message"]
    return found["output_data"]


@pytest.mark.slow
async def test_a_limited_task_is_snoozed_and_asks_nothing_twice(
    bench: Bench, open_world: Opened
) -> None:
    world = open_world(RateLimit(5, 3.0), items=stories(50))
    goals = [f"Story {number}" for number in range(8)]
    agent = await agent_of(bench, HackerNewsAgent, goals=goals, since=SINCE.isoformat(), refresh=0)
    async with bench.running():
        (row,) = await bench.ended(task := await bench.task(agent), within_s=30)
    assert (row["status"], row["retry_count"]) == ("completed", 0)
    attempts = await bench.attempts(task)
    assert len(attempts) == 2
    assert "RATE_LIMIT_EXCEEDED" in attempts[0]["error_message"]
    asked = [one.query for one in world.seen("/algolia/")]
    assert len(asked) == len(set(asked)) == 8
    assert attempts[-1]["results_summary"]["stories_found"] >= 8


async def test_posts_come_with_a_token_that_is_renewed_when_it_is_not_accepted(
    bench: Bench, open_world: Opened
) -> None:
    now = datetime.now(UTC).timestamp()
    posts = [
        RedditPost(f"p{n}", f"Looking for a CRM {n}", "startups", now - 60 * n, url=None)
        for n in range(150)
    ]
    world = open_world(
        posts=posts,
        private_subreddits=frozenset({"secrets"}),
        banned_subreddits=frozenset({"spam_here"}),
    )
    world.fault("/reddit/r/", status=401)
    agent = await agent_of(
        bench, RedditAgent, subreddits="startups, secrets, spam_here", goals="crm", limit=1_000
    )
    async with bench.running():
        await bench.ended(task := await bench.task(agent), within_s=30)
    found = await output(bench, task)
    assert (found["posts_found"], found["posts_saved"]) == (150, 150)
    assert found["matched_intents"] == {"looking_for": 150}
    assert sorted(found["skipped"]) == ["secrets", "spam_here"]
    assert len([one for one in world.log if one.path.endswith("access_token")]) == 2
    assert {one.headers["user-agent"] for one in world.seen("/reddit/")} == {
        world.settings()["OPPSPOT_REDDIT_USER_AGENT"]
    }


@pytest.mark.parametrize("name", ["REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET"])
async def test_without_a_key_the_task_fails_at_once_and_says_what_to_do(
    name: str, bench: Bench, open_world: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = open_world()
    monkeypatch.delenv(f"OPPSPOT_{name}")
    agent = await agent_of(bench, RedditAgent, subreddits="startups")
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert (row["status"], row["retry_count"]) == ("failed", 0)
    assert "SOURCE_NOT_CONFIGURED" in row["error_message"]
    assert "on request only" in row["error_message"]
    assert world.log == []


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["thread", "process"])
async def test_stories_are_saved_wherever_the_agent_runs(
    isolation: str, bench: Bench, open_world: Opened
) -> None:
    open_world(items=stories(20))
    agent = await agent_of(bench, HackerNewsAgent, since=SINCE.isoformat(), isolation=isolation)
    async with bench.running():
        await bench.ended(task := await bench.task(agent), within_s=30)
    assert (await output(bench, task))["stories_saved"] == 20
