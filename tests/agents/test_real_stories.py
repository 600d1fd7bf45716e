"""Every story of a range once, none twice: over made-up stories, and over a public list of 20,100.

OPPSPOT_STORIES names the list (its columns: id, title, url, num_points, num_comments, author,
created_at as "8/4/2016 11:52"). It is not part of the project.
"""

from __future__ import annotations

import asyncio
import csv
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from oppspot_runner.agents.hacker_news import HackerNewsAgent
from tests.agents.platform_runs import PlatformRuns
from tests.posts.platforms import Platforms, Story, story
from tests.streams.world import World

FILE = os.environ.get("OPPSPOT_STORIES", "")
BEGIN, DAY = 1_441_000_000, 86_400


def made_up() -> list[Story]:
    """Stories of a year: mostly a few a day, a busy week, and 1,100 in one second."""
    chance = random.Random(42)
    times = [BEGIN + chance.randrange(365 * DAY) for _ in range(400)]
    times += [BEGIN + 100 * DAY + chance.randrange(7 * DAY) for _ in range(400)]
    times += [BEGIN + 200 * DAY] * 1_100
    return [
        story(n, time, f"Story {n}", points=chance.randrange(400), num_comments=chance.randrange(9))
        for n, time in enumerate(times)
    ]


def listed() -> Iterator[Story]:
    """The stories of the file; what its time of day means is all the same here."""
    with Path(FILE).open(encoding="utf-8", errors="replace", newline="") as lines:
        for row in csv.DictReader(lines):
            written = datetime.strptime(row["created_at"], "%m/%d/%Y %H:%M").replace(tzinfo=UTC)
            yield story(
                int(row["id"]),
                int(written.timestamp()),
                row["title"],
                url=row["url"],
                points=int(row["num_points"]),
                num_comments=int(row["num_comments"]),
                author=row["author"],
            )


pytestmark = pytest.mark.timeout(240)  # a long list takes its time

SOURCES = [
    pytest.param(made_up, id="made up"),
    pytest.param(
        lambda: list(listed()),
        id="listed",
        marks=pytest.mark.skipif(not FILE, reason="OPPSPOT_STORIES is not set"),
    ),
]


def whole(stories: list[Story]) -> dict[str, Any]:
    """A payload for all stories."""
    times = [one["created_at_i"] for one in stories]
    since, until = (datetime.fromtimestamp(time, UTC) for time in (min(times), max(times) + 1))
    return {"since": since.isoformat(), "until": until.isoformat(), "limit": 100_000}


async def runs_over(world: World, stories: list[Story]) -> PlatformRuns:
    runs = PlatformRuns(world, HackerNewsAgent, Platforms(stories))
    runs.stream_id = await world.stream()
    return runs


def same(rows: list[dict[str, Any]], stories: list[Story]) -> None:
    """Every story is there once, with its points and its time."""
    expected = {
        one["objectID"]: (one["title"], one["points"], one["created_at_i"]) for one in stories
    }
    stored = [
        (row["external_id"], (row["title"], row["score"], int(row["posted_at"].timestamp())))
        for row in rows
    ]
    assert len(stored) == len(expected)
    assert dict(stored) == expected


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
async def test_a_run_of_a_range_saves_every_story_once(world: World, source: Any) -> None:
    stories = source()
    results = await (runs := await runs_over(world, stories)).run(whole(stories))
    assert (results["stories_saved"], results["duplicates"]) == (len(stories), 0)
    assert (results["unreachable"], results["not_saved"], results["schema_drift"]) == (0, 0, 0)
    same(await runs.items(), stories)


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
async def test_two_runs_at_once_save_every_story_once(world: World, source: Any) -> None:
    stories = source()
    runs = await runs_over(world, stories)
    both = await asyncio.gather(runs.run(whole(stories)), runs.run(whole(stories)))
    assert sum(one["stories_saved"] for one in both) == len(stories)
    assert sum(one["duplicates"] for one in both) == len(stories)
    same(await runs.items(), stories)


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
async def test_ranges_that_touch_share_no_story(world: World, source: Any) -> None:
    stories = source()
    times = sorted(one["created_at_i"] for one in stories)
    bounds = [times[0], *(times[len(times) * n // 5] for n in range(1, 5)), times[-1] + 1]
    runs = await runs_over(world, stories)
    saved = 0
    for since, until in pairwise(bounds):
        if since < until:
            given = [datetime.fromtimestamp(time, UTC).isoformat() for time in (since, until)]
            results = await runs.run({"since": given[0], "until": given[1], "limit": 100_000})
            assert results["duplicates"] == 0
            saved += results["stories_saved"]
    assert saved == len(stories)
    same(await runs.items(), stories)
