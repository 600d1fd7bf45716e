"""`write_insight`: a row of the task's stream, once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.agents.context import Context
from tests.runner.conftest import Bench

TITLE = {"kind": "summary", "title": "Banks lead", "evidence": {"share": 0.4}}


@pytest.fixture
async def agent(bench: Bench) -> UUID:
    async def noticing(ctx: Context) -> dict[str, Any]:
        return {"answers": [await ctx.tools.call("write_insight", TITLE) for _ in range(2)]}

    return await bench.agent(noticing, configuration='{"tools": ["write_insight"]}')


async def answers(bench: Bench, agent: UUID, **columns: Any) -> list[dict[str, Any]]:
    async with bench.running():
        task = await bench.task(agent, **columns)
        await bench.ended(task)
    found: list[dict[str, Any]] = (await bench.attempts(task))[-1]["output_data"]["answers"]
    return found


async def test_it_is_there_once_and_says_who_wrote_it(bench: Bench, agent: UUID) -> None:
    stream = await bench.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    assert stream is not None
    first, again = await answers(bench, agent, stream_id=stream["id"])
    assert first["result"] == again["result"]
    (row,) = await bench.db.fetch_all("SELECT * FROM stream_insights")
    assert str(row["id"]) == first["result"]["id"]
    assert {key: row[key] for key in TITLE} == TITLE
    assert (row["stream_id"], row["agent_id"]) == (stream["id"], agent)


async def test_without_a_stream_it_says_so(bench: Bench, agent: UUID) -> None:
    for answer in await answers(bench, agent):
        assert answer["code"] == "STREAM_NEEDED"
        assert answer["error"] == "the task of the agent works for no stream"
