"""Conditions, on_failure and approvals of agents of a stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.errors import InvalidInputError
from tests.runner.conftest import FAST, Bench
from tests.workflow.test_chain import Graph, graph

__all__ = ["graph"]


async def change(graph: Graph, name: str, **columns: Any) -> None:
    """Changes the assignment of an agent as people do it in SQL."""
    for column, value in columns.items():
        await graph.bench.db.execute(
            f"UPDATE stream_agent_assignments SET {column} = %s WHERE agent_id = %s",  # type: ignore[arg-type]
            (value, graph.agents[name]),
        )


async def reason(graph: Graph, name: str) -> str | None:
    row = await graph.bench.db.fetch_one(
        "SELECT reason FROM stream_run_nodes WHERE agent_id = %s", (graph.agents[name],)
    )
    assert row is not None
    found: str | None = row["reason"]
    return found


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ('$.output.by == "A"', True),
        ('$.output.by == "X"', False),
        ("$.output.by", True),
        ("$.output.nothing", False),
        ("$.input.wanted", False),
        ('$.input.days > 5 && $.stream.name == "s"', True),
        ("strict $.output.a.b.c > 1", False),
        ('$.output.by.datetime() > "2020-01-01".datetime()', False),
    ],
)
async def test_a_condition_looks_at_output_input_and_stream(
    bench: Bench, graph: Graph, condition: str, runs: bool
) -> None:
    await graph.lay({"A": "", "B": "A", "C": "B"})
    await change(graph, "B", condition=condition)
    async with bench.running(replace(FAST, poll_s=30)):
        await graph.start(payload='{"wanted": false, "days": 7}')
        run = await graph.run_ended()
    assert run["status"] == "completed"
    assert graph.ran == (["A", "B", "C"] if runs else ["A"])
    assert (await graph.nodes())["C"] == ("completed" if runs else "skipped")
    assert (await reason(graph, "B") is None) == runs


async def test_of_several_outputs_any_may_meet_the_condition(bench: Bench, graph: Graph) -> None:
    await graph.lay({"A": "", "B": "A", "C": "A", "D": "BC", "E": "BC"})
    await change(graph, "D", condition='$.output.by == "C"')
    await change(graph, "E", condition='$.output.by == "A"')
    async with bench.running():
        await graph.start()
        await graph.run_ended()
    nodes = await graph.nodes()
    assert (nodes["D"], nodes["E"]) == ("completed", "skipped")
    assert await reason(graph, "E") == 'its condition does not hold: ($."output"."by" == "A")'


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        ("$.output.score >", "jsonpath"),
        ("output.score > 3", "jsonpath"),
        ("$.outptu.score > 3", "looks at $.outptu, which is not there"),
        ("$.output.score ? (@ > $.least)", "looks at $.least, which is not there"),
        ("$.output.score > $least", "uses a variable, $least, and there are none"),
        ('$.output ? (@.text == "say \\"$.x\\" to $least" && @.n > $n)', "variable, $n"),
    ],
)
async def test_a_wrong_path_is_refused_when_it_is_written(
    bench: Bench, graph: Graph, condition: str, fault: str
) -> None:
    await graph.lay({"A": ""})
    with pytest.raises((psycopg.DataError, psycopg.ProgrammingError)) as refused:
        await change(graph, "A", condition=condition)
    assert fault in str(refused.value)
    given = {"agent_id": graph.agents["A"], "condition": condition}
    with pytest.raises(InvalidInputError) as told:
        await AsyncClient(bench.db).assign_agents_to_stream(graph.stream, [given])
    assert fault in told.value.one_line()


async def test_what_the_client_writes_is_what_runs_and_can_be_taken_away(
    bench: Bench, graph: Graph
) -> None:
    await graph.lay({"A": "", "B": "A"})
    client = AsyncClient(bench.db)
    given = {"agent_id": graph.agents["B"], "condition": '$.output ? (@.text == "$.x")'}
    await client.assign_agents_to_stream(graph.stream, [{**given, "on_failure": "run"}])
    await client.assign_agents_to_stream(graph.stream, [{"agent_id": graph.agents["B"]}])
    row = "SELECT condition::text, on_failure FROM stream_agent_assignments WHERE agent_id = %s"
    assert await bench.db.fetch_one(row, (graph.agents["B"],)) == {
        "condition": '$."output"?(@."text" == "$.x")',
        "on_failure": "run",
    }
    await client.assign_agents_to_stream(graph.stream, [{**given, "condition": ""}])
    found = await bench.db.fetch_one(row, (graph.agents["B"],))
    assert found is not None
    assert found["condition"] is None


@pytest.mark.parametrize(
    ("on_failure", "state", "below", "ended"),
    [
        ("skip", "skipped", "skipped", "failed"),
        ("run", "completed", "completed", "failed"),
        ("fail", "failed", "skipped", "failed"),
    ],
)
async def test_on_failure_says_what_a_failure_above_means(
    bench: Bench, graph: Graph, on_failure: str, state: str, below: str, ended: str
) -> None:
    await graph.lay({"A": "", "B": "A", "C": "A", "D": "BC", "E": "D"})
    await change(graph, "D", on_failure=on_failure)
    graph.failing = {"B"}
    async with bench.running():
        await graph.start()
        run = await graph.run_ended()
    nodes = await graph.nodes()
    assert (nodes["D"], nodes["E"], run["status"]) == (state, below, ended)
    if on_failure == "run":
        assert graph.upstream["D"] == {
            str(graph.agents["C"]): {"by": "C"}, str(graph.agents["B"]): None,
        }  # fmt: skip


async def test_an_agent_that_needs_an_approval_waits_for_it(bench: Bench, graph: Graph) -> None:
    await graph.lay({"A": "", "B": "A", "C": "B"})
    await change(graph, "B", requires_approval=True)
    client = AsyncClient(bench.db)
    async with bench.running():
        await graph.start()

        async def waits() -> bool:
            return (await graph.nodes()).get("B") == "awaiting_approval"

        await bench.until(waits)
        run = await bench.db.fetch_one("SELECT id, open_nodes FROM stream_runs")
        assert run is not None
        assert (graph.ran, run["open_nodes"]) == (["A"], 2)
        assert await client.approve_run(run["id"], graph.agents["C"]) == 0
        assert await client.approve_run(run["id"]) == 1
        await graph.run_ended()
    assert graph.ran == ["A", "B", "C"]
    assert await client.approve_run(run["id"]) == 0


async def test_an_approval_that_does_not_come_in_time_is_a_failure(
    bench: Bench, graph: Graph
) -> None:
    await graph.lay({"A": "", "B": "A", "C": "B"})
    await change(graph, "B", requires_approval=True, approval_timeout="1 microsecond")
    await change(graph, "C", on_failure="run")
    async with bench.running():
        await graph.start()
        run = await graph.run_ended()
    assert (run["status"], graph.ran) == ("failed", ["A", "C"])
    assert "nobody approved it within" in (await reason(graph, "B") or "")


async def test_whoever_starts_an_agent_by_hand_has_approved_of_it(
    bench: Bench, graph: Graph
) -> None:
    await graph.lay({"A": "", "B": "A"})
    await change(graph, "A", requires_approval=True, condition="$.output.never")
    async with bench.running():
        await graph.start()
        await graph.run_ended()
    assert graph.ran == ["A", "B"]
