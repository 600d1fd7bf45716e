"""What is told of a run: everything, once, in order, to the end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.agents.context import Context
from oppspot_runner.base.errors import Fail, InvalidInputError, NotFoundError, Retry
from oppspot_runner.base.events import EventBus
from oppspot_runner.db.listen import Listener
from oppspot_runner.queue import event_writer
from oppspot_runner.runner.maintenance import Pruning
from oppspot_runner.runner.patience import Patience
from oppspot_runner.workflow.following import Hub
from oppspot_runner.workflow.run_events import Page, RunEvent
from tests.runner.conftest import FAST, Bench
from tests.workflow.stories import Story, short


@pytest.fixture
def story(bench: Bench) -> Story:
    return Story(bench)


def of(events: list[RunEvent], kind: str) -> list[RunEvent]:
    return [event for event in events if event.type == kind]


async def test_a_chain_is_told_from_its_first_agent_to_its_results(
    bench: Bench, story: Story
) -> None:
    await story.lay({"A": "", "B": "A"})
    async with bench.running():
        events = await story.told(await story.start())
    assert short(events) == [
        "A queued", "A running", "A output", "A completed",
        "B queued", "B running", "B output", "B completed",
        "completed",
    ]  # fmt: skip
    assert [event.seq for event in events] == list(range(1, 10))
    assert events[2].data == {"output": {"by": "A"}}
    assert events[-1].data == {
        "results": {str(story.agents["A"]): {"by": "A"}, str(story.agents["B"]): {"by": "B"}}
    }
    assert {event.attempt for event in events if event.type == "output"} == {1}


async def test_a_task_that_somebody_inserts_tells_its_run(bench: Bench, story: Story) -> None:
    await story.lay({"A": "", "B": "A"})
    async with bench.running():
        task = await bench.task(story.agents["A"], stream_id=story.stream)
        (row,) = await bench.ended(task)
        events = await story.told(row["run_id"])
    assert short(events)[:4] == ["A queued", "A running", "A output", "A completed"]
    assert short(events)[-1] == "completed"


async def test_a_failure_is_told_with_its_reason_and_what_is_skipped(
    bench: Bench, story: Story
) -> None:
    async def fails(ctx: Context) -> dict[str, Any]:
        raise Fail("no such company")

    await story.lay({"A": "", "B": "", "C": "B"}, B=fails)
    async with bench.running():
        events = await story.told(await story.start())
    assert "C skipped" in short(events)
    (failed,) = [event for event in events if event.data.get("status") == "failed"]
    assert failed.data["error"] == "no such company"
    assert events[-1].type == "error"
    assert events[-1].data["error"] == "B failed: no such company"
    assert events[-1].data["results"] == {str(story.agents["A"]): {"by": "A"}}


async def test_an_attempt_that_is_repeated_is_told_with_its_error_and_when(
    bench: Bench, story: Story
) -> None:
    async def fails_once(ctx: Context) -> dict[str, Any]:
        if ctx.attempt == 1:
            raise Retry("the register is away", after=0.2)
        return {}

    await story.lay({"A": "", "B": ""}, B=fails_once)
    async with bench.running():
        events = await story.told(await story.start())
    (again,) = [one for one in events if one.agent_name == "B" and one.data.get("error")]
    assert (again.type, again.data["status"], again.attempt) == ("status", "queued", 1)
    assert again.data["error"] == "the register is away"
    due = datetime.fromisoformat(again.data["due_at"])
    assert timedelta(0) < due - again.created_at <= timedelta(seconds=0.2)
    of_b = [one.data["status"] for one in of(events, "status") if one.agent_name == "B"]
    assert of_b == ["queued", "running", "queued", "running", "completed"]


@pytest.mark.parametrize("timeout", [None, 3600])
async def test_a_wait_is_told_with_what_is_waited_for(
    bench: Bench, story: Story, timeout: float | None
) -> None:
    async def asks(ctx: Context) -> dict[str, Any]:
        return dict(await ctx.wait_for_event("approval", timeout))

    await story.lay({"A": ""}, A=asks)
    async with bench.running():
        run = await story.start()
        events = []
        async with asyncio.timeout(15):
            async for event in story.client.follow(run):
                events.append(event)
                if event.data.get("status") == "waiting":
                    await story.client.signal_run(run, "approval", {"by": "ann"})
    (waiting,) = [one for one in events if one.data.get("status") == "waiting"]
    assert waiting.data["reason"] == "for the event approval"
    assert ("due_at" in waiting.data) == (timeout is not None)
    assert short(events)[:5] == ["A queued", "A running", "A waiting", "A running", "A output"]


async def test_a_cancelled_run_says_so_last(bench: Bench, story: Story) -> None:
    await story.lay({"A": "", "B": "A"})
    run = await story.start()
    await bench.db.execute("UPDATE agent_tasks SET status = 'cancelled' WHERE run_id = %s", (run,))
    assert short(await story.told(run)) == ["A queued", "A cancelled", "B skipped", "cancelled"]


async def test_what_agents_say_is_told_in_order_and_complete(bench: Bench, story: Story) -> None:
    async def speaks(ctx: Context) -> dict[str, Any]:
        for piece in ("Once ", "upon ", "a time"):
            await ctx.emit_chunk(piece)
        await ctx.progress(1, 2, "half")
        await ctx.emit("log", message="my own", where=[1])
        await ctx.emit_chunk("!")
        return {}

    await story.lay({"A": ""}, A=speaks)
    async with bench.running():
        events = await story.told(await story.start())
    assert short(events)[1:-1] == [
        "A running", "A output_chunk", "A progress", "A log", "A output_chunk", "A output",
        "A completed",
    ]  # fmt: skip
    assert [event.data["chunk"] for event in of(events, "output_chunk")] == [
        "Once upon a time",
        "!",
    ]
    assert of(events, "progress")[0].data == {"done": 1, "total": 2, "message": "half"}
    assert of(events, "log")[0].data == {"message": "my own", "where": [1]}


async def test_lines_of_the_log_are_told_without_secrets(bench: Bench, story: Story) -> None:
    async def logs(ctx: Context) -> dict[str, Any]:
        ctx.log.error("looked up", company="Acme", api_key="k-1")
        await asyncio.to_thread(ctx.log.error, "from a thread: password=hunter2")
        ctx.log.debug("too quiet")
        return {}

    await story.lay({"A": ""}, A=logs)
    async with bench.running():
        events = await story.told(await story.start())
    assert [event.data for event in of(events, "log")] == [
        {
            "level": "error",
            "message": "looked up",
            "fields": {"company": "Acme", "api_key": "[redacted]"},
        },
        {"level": "error", "message": "from a thread: password=[redacted]"},
    ]


@pytest.mark.parametrize("kind", ["status", "completed", "output", "gossip"])
async def test_an_agent_cannot_tell_what_the_runner_tells(
    bench: Bench, story: Story, kind: str
) -> None:
    said: list[InvalidInputError] = []

    async def forges(ctx: Context) -> dict[str, Any]:
        try:
            await ctx.emit(kind, status="completed")
        except InvalidInputError as error:
            said.append(error)
        return {}

    await story.lay({"A": ""}, A=forges)
    async with bench.running():
        events = await story.told(await story.start())
    assert kind in str(said[0])
    assert len(events) == 5


async def test_outside_of_a_run_nobody_is_told(bench: Bench) -> None:
    async def speaks(ctx: Context) -> dict[str, Any]:
        await ctx.emit_chunk("hello")
        await ctx.emit("log", message="hello")
        return {}

    agent = await bench.agent(speaks)
    async with bench.running():
        (task,) = await bench.ended(await bench.task(agent))
    assert task["status"] == "completed"
    row = await bench.db.fetch_one("SELECT count(*) AS n FROM run_events")
    assert row == {"n": 0}


async def test_chunks_are_written_in_batches(
    bench: Bench, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred pieces without a pause: one write for what waits, one before the end."""
    writes: list[int] = []
    write_once = event_writer.EventWriter._write_once

    async def counted(self: event_writer.EventWriter, some: Any) -> None:
        writes.append(len(some))
        await write_once(self, some)

    monkeypatch.setattr(event_writer.EventWriter, "_write_once", counted)

    async def streams(ctx: Context) -> dict[str, Any]:
        for number in range(100):
            await ctx.emit_chunk(f"{number} ")
        return {}

    await story.lay({"A": ""}, A=streams)
    async with bench.running():
        events = await story.told(await story.start())
    assert "".join(event.data["chunk"] for event in of(events, "output_chunk")) == "".join(
        f"{number} " for number in range(100)
    )
    assert len(writes) <= 2


@pytest.mark.slow
async def test_odd_and_huge_values_are_told_as_far_as_they_can_be(
    bench: Bench, story: Story
) -> None:
    big = "é" * 5_000_000

    async def odd(ctx: Context) -> dict[str, Any]:
        await ctx.emit_chunk("nul \x00 lone \ud800 end")
        await ctx.emit_chunk(big)
        await ctx.emit("log", message="x" * 5_000_000, number=float("nan"))
        await ctx.emit("log", deep=json_bomb())
        return {}

    await story.lay({"A": ""}, A=odd)
    async with bench.running(replace(FAST, lease_s=60)):
        events = await story.told(await story.start(), within_s=60)
    text = "".join(event.data["chunk"] for event in of(events, "output_chunk"))
    assert text == "nul  lone ? end" + big
    large, deep = of(events, "log")
    assert large.data["_cut"]["bytes"] > 5_000_000
    assert "cut" in str(deep.data)


def json_bomb() -> Any:
    value: Any = "end"
    for _ in range(10_000):
        value = [value]
    return value


async def test_an_event_that_postgres_refuses_does_not_spoil_the_others(
    bench: Bench, story: Story
) -> None:
    async def forges(ctx: Context) -> dict[str, Any]:
        await ctx.emit("log", message="before")
        await ctx.journal.emit("no such type", {})
        await ctx.emit("log", message="after")
        return {}

    await story.lay({"A": ""}, A=forges)
    async with bench.running():
        events = await story.told(await story.start())
    before, refused, after = (event.data["message"] for event in of(events, "log"))
    assert (before, after) == ("before", "after")
    assert refused.startswith("an event of type no such type could not be stored")


async def test_a_run_that_is_started_again_has_one_last_event_again(
    bench: Bench, story: Story
) -> None:
    failing = [True]

    async def fails_once(ctx: Context) -> dict[str, Any]:
        if failing:
            raise Fail("not yet")
        return {}

    await story.lay({"A": "", "B": "A"}, A=fails_once)
    async with bench.running():
        run = await story.start()
        first = await story.told(run)
        failing.clear()
        failed = await bench.db.fetch_one("SELECT id FROM agent_tasks WHERE status = 'failed'")
        assert failed is not None
        await story.client.retry(failed["id"])
        more = await story.told(run, after=first[-1].seq)
    assert short(first)[-1] == "error"
    assert short(more)[:3] == ["A queued", "B waiting", "running"]
    assert short(more)[-1] == "completed"
    everything = await story.told(run)
    assert [event.seq for event in everything] == list(range(1, len(everything) + 1))
    assert sum(event.is_last for event in everything) == 1
    assert short(everything)[len(first) - 1] == "failed"


async def test_events_past_their_time_go_and_that_is_said(bench: Bench, story: Story) -> None:
    await story.lay({"A": ""})
    async with bench.running():
        run = await story.start()
        events = await story.told(run)
    config = replace(FAST, events_s=3600)
    pruning = Pruning(bench.db, Patience(EventBus()), config)
    assert await pruning.chunk() == 0
    await bench.db.execute("UPDATE run_events SET created_at = created_at - interval '2 h'")
    assert await pruning.chunk() == len(events)
    with pytest.raises(NotFoundError, match="are gone"):
        await story.told(run)
    assert await story.told(run, after=events[-1].seq) == []


async def test_a_run_that_is_not_there_and_a_bad_number_are_refused(story: Story) -> None:
    with pytest.raises(NotFoundError, match="there is no run"):
        await story.told(UUID(int=7))
    with pytest.raises(InvalidInputError, match="after is -1"):
        await story.told(UUID(int=7), after=-1)


async def test_a_follower_ends_also_when_its_listener_loses_the_cancellation(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled: list[int] = []
    listening = asyncio.Event()

    async def deaf(_: Listener) -> None:
        while len(cancelled) < 2:
            try:
                listening.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(1)

    async def read(run: UUID, after: int) -> Page:
        await listening.wait()
        raise NotFoundError("there is no run")

    monkeypatch.setattr(Listener, "run", deaf)
    async with asyncio.timeout(15):
        with pytest.raises(NotFoundError):
            _ = [event async for event in Hub(bench.db, read).follow(UUID(int=7))]
    assert len(cancelled) == 2


@pytest.mark.slow
async def test_a_plain_function_and_a_child_process_tell_too(bench: Bench, story: Story) -> None:
    """By the same context, whose methods block in a thread and cross the border of a process."""
    for name in ("thread", "process"):
        bench.registry.register(tells, f"tells_in_a_{name}", isolation=name)
    await story.lay({"A": "", "B": "A"})
    for name, kind in (("A", "thread"), ("B", "process")):
        await bench.db.execute(
            "UPDATE ai_agents SET agent_type = %s WHERE name = %s", (f"tells_in_a_{kind}", name)
        )
    async with bench.running():
        events = await story.told(await story.start(), within_s=40)
    told = [(event.agent_name, event.data["chunk"]) for event in of(events, "output_chunk")]
    assert told == [("A", "one two"), ("B", "one two")]
    logged = [(event.agent_name, event.data["message"]) for event in of(events, "log")]
    assert logged == [("A", "told"), ("B", "told")]
    assert events[-1].type == "completed"


def tells(ctx: Any) -> dict[str, Any]:
    ctx.emit_chunk("one ")
    ctx.emit_chunk("two")
    ctx.log.error("told")
    return {}
