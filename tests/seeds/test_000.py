"""What 000 promises to writers of agents for a platform: template, mapper, registry, logs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar
from uuid import UUID

import psycopg
import pytest
from pydantic import BaseModel

from oppspot_runner import (
    Agent,
    Client,
    Context,
    ResultMapper,
    agent,
    get_result_mapper,
    registry,
)
from oppspot_runner.agents.registry import Registry
from oppspot_runner.app.default_client import forget_default_client
from oppspot_runner.base.errors import ConfigurationError
from tests.runner.conftest import FAST, Bench
from tests.seeds.conftest import Lines

TWEETS = [{"id": "1", "text": "hello"}, {"id": "2", "text": ""}, {"id": "1", "text": "again"}]


class TweetMapper(ResultMapper):
    """Saves posts once each; one that the table refuses is left out with a warning."""

    platform = "seed_twitter"

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        saved = 0
        for tweet in results["tweets"]:
            try:
                async with tx.transaction():
                    done = await tx.execute(
                        "INSERT INTO tweets (id, text) VALUES (%(id)s, %(text)s)"
                        " ON CONFLICT DO NOTHING",
                        tweet,
                    )
                    saved += done.rowcount
            except psycopg.errors.CheckViolation:
                ctx.log.warning("a tweet was not saved", tweet=tweet["id"])
        results["tweets_saved"] = saved
        return True


class TwitterAgent(Agent):
    """The platform agent of the documents, in our form."""

    agent_type = "seed_twitter"
    mapper: ClassVar[ResultMapper | None] = TweetMapper()

    def create_initial_state(self, ctx: Context) -> dict[str, Any]:
        goals = ctx.agent.configuration.get("goals", "")
        return {"agent_name": ctx.agent.name, "goals": goals.split(",") if goals else []}

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0)
        self.ctx.log.info("searched", posts_found=len(TWEETS))
        return {**state, "tweets": TWEETS}


@pytest.fixture
async def twitter(bench: Bench) -> AsyncIterator[UUID]:
    await bench.db.execute(
        "CREATE TABLE tweets (id text PRIMARY KEY, text text CHECK (text <> ''))"
    )
    bench.registry.register(TwitterAgent)
    yield await bench.agent_row("seed_twitter", configuration='{"goals": "sell,learn"}')
    await bench.db.execute("DROP TABLE tweets")


async def test_the_state_is_made_of_the_agent_s_row_and_executed(
    bench: Bench, twitter: UUID
) -> None:
    async with bench.running():
        task = await bench.task(twitter)
        await bench.ended(task)
    (row,) = await bench.attempts(task)
    assert row["output_data"]["agent_name"] == "seed_twitter"
    assert row["output_data"]["goals"] == ["sell", "learn"]
    assert row["output_data"]["tweets"] == TWEETS


async def test_the_mapper_of_the_class_saves_into_a_table_of_its_own(
    bench: Bench, twitter: UUID
) -> None:
    async with bench.running():
        await bench.ended(await bench.task(twitter))
    saved = await bench.db.fetch_all("SELECT id, text FROM tweets")
    assert saved == [{"id": "1", "text": "hello"}]


async def test_the_initial_state_may_be_made_asynchronously(bench: Bench) -> None:
    class Slow(Agent):
        async def create_initial_state(self, ctx: Context) -> dict[str, Any]:  # type: ignore[override]
            await asyncio.sleep(0)
            return {"n": ctx.payload["n"] + 1}

        async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
            return state

    bench.registry.register(Slow, "slow_start")
    agent_id = await bench.agent_row("slow_start")
    async with bench.running():
        task = await bench.task(agent_id, payload='{"n": 1}')
        await bench.ended(task)
    assert (await bench.attempts(task))[0]["output_data"] == {"n": 2}


async def test_a_mapper_skips_duplicates_and_lives_with_items_that_fail(
    bench: Bench, twitter: UUID, log_lines: Lines
) -> None:
    async with bench.running():
        first, second = await bench.task(twitter), await bench.task(twitter)
        rows = await bench.ended(first, second)
    assert [row["status"] for row in rows] == ["completed"] * 2
    assert await bench.db.fetch_all("SELECT id FROM tweets") == [{"id": "1"}]
    warned = [line for line in log_lines() if line["event"] == "a tweet was not saved"]
    assert {line["tweet"] for line in warned} == {"2"}
    assert {line["task_id"] for line in warned} == {str(first), str(second)}


async def test_a_line_of_an_agent_carries_where_it_comes_from(
    bench: Bench, twitter: UUID, log_lines: Lines
) -> None:
    async with bench.running():
        task = await bench.task(twitter)
        await bench.ended(task)
    (attempt,) = await bench.attempts(task)
    (line,) = [line for line in log_lines() if line["event"] == "searched"]
    assert line["posts_found"] == 3
    expected = {
        "task_id": str(task), "execution_id": str(attempt["id"]), "agent_id": str(twitter),
        "agent_type": "seed_twitter", "stream_id": None, "org_id": None, "attempt": 1,
    }  # fmt: skip
    assert expected.items() <= line.items()
    assert line["runner"] == attempt["runner_id"]


async def test_an_error_of_an_agent_is_logged_with_its_context(
    bench: Bench, log_lines: Lines
) -> None:
    async def broken(ctx: Any) -> dict[str, Any]:
        raise ValueError("the platform said no")

    agent_id = await bench.agent(broken, configuration='{"max_retries": 0}')
    async with bench.running():
        task = await bench.task(agent_id)
        await bench.ended(task)
    (line,) = [line for line in log_lines() if line.get("level") == "error"]
    assert "ValueError: the platform said no" in line["error"]
    assert (line["task_id"], line["agent_type"]) == (str(task), "broken")


async def test_an_error_dictionary_is_an_error_that_is_retried(bench: Bench) -> None:
    async def polite(ctx: Any) -> dict[str, Any]:
        return {"error": "busy", "posts": []} if ctx.attempt == 1 else {"posts": [1]}

    agent_id = await bench.agent(polite, configuration='{"backoff": {"first": 0}}')
    async with bench.running():
        task = await bench.task(agent_id)
        (row,) = await bench.ended(task)
    first, second = await bench.attempts(task)
    assert (first["status"], first["error_message"]) == ("failed", "busy")
    assert (row["status"], second["output_data"]) == ("completed", {"posts": [1]})


def test_a_class_that_names_its_type_registers_itself() -> None:
    assert registry.find("seed_twitter").body is TwitterAgent


def test_an_agent_is_registered_while_the_program_runs() -> None:
    own = Registry()
    own.register(TwitterAgent, "twitter")
    assert own.find("twitter").body is TwitterAgent
    with pytest.raises(ConfigurationError, match="two agents are called 'twitter'"):
        own.register(lambda ctx: {}, "twitter")


def test_a_class_without_its_work_is_refused_when_it_is_made() -> None:
    class Idle(Agent):
        pass

    with pytest.raises(TypeError, match="execute_agent"):
        Idle(None)  # type: ignore[abstract,arg-type]
    with pytest.raises(TypeError, match="save_results"):
        ResultMapper()  # type: ignore[abstract]


def test_a_mapper_is_found_by_its_platform() -> None:
    assert isinstance(get_result_mapper("seed_twitter"), TweetMapper)
    with pytest.raises(
        ConfigurationError, match=r"no result mapper for 'nowhere'; known: .*twitter"
    ):
        get_result_mapper("nowhere")
    with pytest.raises(ConfigurationError, match="two result mappers are for 'seed_twitter'"):
        type("Other", (TweetMapper,), {"platform": "seed_twitter"})


class Wanted(BaseModel):
    subreddit: str


@agent("seed_reader")
async def seed_reader(ctx: Context, input: Wanted) -> dict[str, Any]:
    return {"subreddit": input.subreddit}


async def test_the_body_of_an_agent_can_be_called_by_a_unit_test() -> None:
    result = await seed_reader(None, Wanted(subreddit="python"))
    assert result == {"subreddit": "python"}


@pytest.fixture
def by_settings(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """DATABASE_URL of this test, and no client of another."""
    monkeypatch.setenv("DATABASE_URL", dsn)
    forget_default_client()
    yield dsn
    forget_default_client()


def test_delay_puts_a_task_into_the_queue_and_returns_its_id(by_settings: str) -> None:
    with Client(by_settings) as client:
        made = client.create_agent(agent_type="seed_reader")
        task = seed_reader.delay({"subreddit": "python"})
        state = client.get(task)
    assert (state.agent_id, state.status) == (made, "pending")
    assert state.payload == {"subreddit": "python"}


async def test_connections_come_back_whatever_an_attempt_does(bench: Bench) -> None:
    class Failing(Agent):
        async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
            return state

        async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
            await tx.execute("SELECT 1 / 0")
            return True

    bench.registry.register(Failing, "failing")
    agent_id = await bench.agent_row(
        "failing", configuration='{"max_retries": 0, "breaker": false}'
    )
    async with bench.running(FAST) as runner:
        tasks = [await bench.task(agent_id) for _ in range(25)]
        rows = await bench.ended(*tasks)

        async def all_are_back() -> bool:
            pool = runner.database._pool.get_stats()
            return pool["pool_available"] == pool["pool_size"]

        await bench.until(all_are_back)  # the runner's own services use some for a moment
    assert {row["status"] for row in rows} == {"failed"}
    assert all("division by zero" in row["error_message"] for row in rows)
