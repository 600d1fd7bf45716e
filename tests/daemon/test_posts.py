"""All stories of a range, read by two runners at once over HTTP: each is saved once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from oppspot_runner.testing.world import World
from oppspot_runner.testing.world.content import Content, Item
from tests.agents.test_real_stories import FILE, listed
from tests.daemon.conftest import Fleet

BEGIN, DAY = 1_451_606_400, 86_400


def made_up() -> list[Item]:
    """Stories of ten days, 1,100 of them in one second."""
    chance = random.Random(7)
    return [
        Item(
            number,
            BEGIN + (5 * DAY if number < 1_100 else chance.randrange(10 * DAY)),
            title=f"Story {number}",
            score=chance.randrange(500),
        )
        for number in range(2_600)
    ]


def of_the_list() -> list[Item]:
    """The stories of the file that OPPSPOT_STORIES names."""
    return [
        Item(
            int(one["objectID"]),
            one["created_at_i"],
            by=one["author"],
            title=one["title"],
            url=one["url"] or None,
            score=one["points"],
            descendants=one["num_comments"],
        )
        for one in listed()
    ]


def wanted(items: list[Item]) -> str:
    """A payload for all of them."""
    times = [one.time for one in items]
    since, until = (datetime.fromtimestamp(time, UTC) for time in (min(times), max(times) + 1))
    return json.dumps({"since": since.isoformat(), "until": until.isoformat(), "limit": 100_000})


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "source",
    [
        made_up,
        pytest.param(
            of_the_list, marks=pytest.mark.skipif(not FILE, reason="OPPSPOT_STORIES is not set")
        ),
    ],
)
def test_two_runners_at_once_save_every_story_once(
    fleet: Fleet, source: Callable[[], list[Item]]
) -> None:
    items = source()
    agents = [fleet.agent("hackernews", name) for name in ("one", "other")]
    with World(Content(items=items)) as world:
        for _ in agents:
            words = ("--import", "tests.agents.generous_sources", "--concurrency", "1")
            fleet.start(*words, **world.settings())
        tasks = [fleet.task(agent, wanted(items)) for agent in agents]
        ended = ("completed", "failed")
        fleet.until(lambda: all(fleet.status(one) in ended for one in tasks), within_s=200)
    attempts = fleet.all("SELECT * FROM agent_executions ORDER BY id")
    assert [one["status"] for one in attempts] == ["completed"] * 2, attempts[0]["error_message"]
    assert len({one["runner_id"] for one in attempts}) == 2
    sums = {
        name: sum(one["results_summary"][name] for one in attempts)
        for name in ("stories_saved", "duplicates", "unreachable", "not_saved", "schema_drift")
    }
    assert sums == {
        "stories_saved": len(items),
        "duplicates": len(items),
        "unreachable": 0,
        "not_saved": 0,
        "schema_drift": 0,
    }
    stored = fleet.all("SELECT external_id, title, score FROM source_items")
    known = sorted((one.id, one.title, one.score) for one in items)
    assert sorted((int(one["external_id"]), one["title"], one["score"]) for one in stored) == known
