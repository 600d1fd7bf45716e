"""The analyst of the demo: a model looks at a stream in a chain, and writes what stands out."""

from __future__ import annotations

from json import dumps

from oppspot_runner.agents.llm import llm
from oppspot_runner.app.demo import ANALYST
from tests.runner.conftest import Bench


async def test_it_reads_the_stream_and_writes_an_insight_while_people_follow(bench: Bench) -> None:
    bench.registry.register(llm)

    async def scoring(ctx: object) -> dict[str, int]:
        return {"items_updated": 3}

    before = await bench.agent(scoring)
    analyst = await bench.agent_row("llm", configuration=dumps(ANALYST))
    stream = await bench.db.fetch_one(
        "INSERT INTO streams (name, goal_criteria) VALUES ('s', '{\"industry\": [\"Banks\"]}')"
        " RETURNING id"
    )
    assert stream is not None
    await bench.db.execute(
        "WITH made AS (INSERT INTO companies (name, name_norm) VALUES"
        " ('Third', 'third'), ('First', 'first'), ('Second', 'second') RETURNING id, name)"
        " INSERT INTO stream_items"
        " (stream_id, company_id, quality_score, score_confidence, priority, scored_at)"
        " SELECT %s, id, CASE name WHEN 'First' THEN 4.5 WHEN 'Second' THEN 3 ELSE 1 END, 1, 'low',"
        " now() FROM made",
        (stream["id"],),
    )
    await bench.db.execute(
        "INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)"
        " VALUES (%s, %s, %s), (%s, %s, %s)",
        (stream["id"], before, [], stream["id"], analyst, [before]),
    )
    async with bench.running():
        await bench.ended(await bench.task(before, stream_id=stream["id"]))

        async def run_ended() -> bool:
            row = await bench.db.fetch_one("SELECT status FROM stream_runs")
            return row is not None and row["status"] != "running"

        await bench.until(run_ended)
    (insight,) = await bench.db.fetch_all("SELECT * FROM stream_insights")
    assert insight["title"] == "First fits the goal best, before Second and Third"
    assert insight["evidence"] == {"companies": ["First", "Second", "Third"]}
    assert insight["agent_id"] == analyst
    chunks = await bench.db.fetch_all(
        "SELECT data ->> 'chunk' AS chunk FROM run_events WHERE type = 'output_chunk' ORDER BY seq"
    )
    assert "".join(row["chunk"] for row in chunks) == (
        "First I look at what the stream has, best first. First has 4.50 points, that is the most."
        " That is an insight of the stream now."
    )
    calls = await bench.db.fetch_all("SELECT tool, code FROM tool_calls ORDER BY started_at")
    assert [tuple(row.values()) for row in calls] == [
        ("company_search", None),
        ("write_insight", None),
    ]
