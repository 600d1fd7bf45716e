"""What 003 promises of the events of a run: their shapes, as they go over the wire."""

from __future__ import annotations

from typing import Any

import pytest

from oppspot_runner.base.errors import Fail
from oppspot_runner.workflow.run_events import RunEvent
from tests.runner.conftest import Bench
from tests.workflow.stories import Story

SHAPES = ("type", "agent_id", "status", "chunk", "output", "results", "error")


@pytest.fixture
def story(bench: Bench) -> Story:
    return Story(bench)


def shapes(events: list[RunEvent]) -> list[dict[str, Any]]:
    """What 003 knows of each event."""
    return [{key: one.flat()[key] for key in SHAPES if key in one.flat()} for one in events]


async def streams(ctx: Any) -> dict[str, Any]:
    await ctx.emit_chunk("Hel")
    await ctx.emit_chunk("lo")
    return {"text": "Hello"}


async def test_a_run_yields_its_events_as_they_come(bench: Bench, story: Story) -> None:
    await story.lay({"A": "", "B": "A"}, A=streams)
    a, b = story.agents["A"], story.agents["B"]
    async with bench.running():
        told = shapes(await story.told(await story.start()))
    assert told == [
        {"type": "status", "agent_id": a, "status": "queued"},
        {"type": "status", "agent_id": a, "status": "running"},
        {"type": "output_chunk", "agent_id": a, "chunk": "Hello"},
        {"type": "output", "agent_id": a, "output": {"text": "Hello"}},
        {"type": "status", "agent_id": a, "status": "completed"},
        {"type": "status", "agent_id": b, "status": "queued"},
        {"type": "status", "agent_id": b, "status": "running"},
        {"type": "output", "agent_id": b, "output": {"by": "B"}},
        {"type": "status", "agent_id": b, "status": "completed"},
        {"type": "completed", "results": {str(a): {"text": "Hello"}, str(b): {"by": "B"}}},
    ]


async def test_a_graph_is_started_by_its_root_and_followed(bench: Bench, story: Story) -> None:
    await story.lay({"A": "", "B": ""}, A=streams)
    a, b = story.agents["A"], story.agents["B"]
    await bench.db.execute("UPDATE ai_agents SET parent_id = %s WHERE id = %s", (a, b))
    async with bench.running():
        told = shapes(await story.told(await story.client.run_graph(a)))
    assert told[-1]["results"] == {str(a): {"text": "Hello"}, str(b): {"by": "B"}}


async def test_an_error_comes_last(bench: Bench, story: Story) -> None:
    async def fails(ctx: Any) -> dict[str, Any]:
        raise Fail("no answer")

    await story.lay({"A": ""}, A=fails)
    async with bench.running():
        told = shapes(await story.told(await story.start()))
    assert told[-1] == {"type": "error", "error": "A failed: no answer", "results": {}}
