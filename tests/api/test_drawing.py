"""What pages draw and say: graphs, attempts over time, schedules and events in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from oppspot_runner.api.dashboard.event_words import line
from oppspot_runner.api.dashboard.graph import Drawing, cells, cut, drawing
from oppspot_runner.api.dashboard.pages.audit import Difference, differences
from oppspot_runner.api.dashboard.schedule_words import in_words
from oppspot_runner.api.dashboard.waterfall import WIDTH, waterfall
from oppspot_runner.api.reads.graph import Edge, Graph, Node, NodeAttempt, NodeProgress
from oppspot_runner.workflow.run_events import RunEvent

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


def node(name: str, status: Any, **more: Any) -> Node:
    known = {"agent_type": "x", "level": 0, "notes": [], **more}
    return Node(agent_id=uuid4(), name=name, status=status, **known)


def drawn(nodes: list[Node], *edges: tuple[int, int]) -> Drawing:
    found = drawing(
        Graph(
            nodes=nodes,
            edges=[
                Edge(source=nodes[one].agent_id, target=nodes[other].agent_id, waits=True)
                for one, other in edges
            ],
            levels=[],
        ),
        NOW,
    )
    assert found is not None
    return found


def test_a_box_says_what_its_agent_does() -> None:
    half = NodeProgress(done=3, total=6, message="companies")
    found = drawn(
        [
            node("a", "processing", progress=half),
            node("b", "pending", due_at=NOW + timedelta(seconds=90), attempts=[attempt(1)]),
            node("c", "pending", waits_for="the event approval"),
            node("d", "awaiting_approval", notes=["after an approval"]),
            node("e", "failed", attempts=[attempt(1), attempt(2)], **ended(5)),
            node("f", "left_out"),
            node("g", "planned", faults=["the agent is inactive"]),
        ]
    )
    said = {one.node.name: (one.word, one.said) for one in found.nodes}
    assert said == {
        "a": ("running", "3/6 companies"),
        "b": ("queued", "again in 90 s"),
        "c": ("waiting", "for the event approval"),
        "d": ("wants approval", ""),
        "e": ("failed", "5.0 s, 2 attempts"),
        "g": ("planned", "cannot run"),
    }
    done = {one.node.name: one.done for one in found.nodes}
    assert done["a"] == 0.5
    assert found.marks == {"gate"}


def attempt(number: int, start_s: float = 0, end_s: float | None = 1) -> NodeAttempt:
    end = None if end_s is None else NOW + timedelta(seconds=end_s)
    start = NOW + timedelta(seconds=start_s)
    return NodeAttempt(
        attempt=number, status="failed", started_at=start, finished_at=end, error=None
    )


def ended(seconds: float) -> dict[str, datetime]:
    return {"started_at": NOW, "finished_at": NOW + timedelta(seconds=seconds)}


def test_lines_tell_how_their_sources_ended() -> None:
    nodes = [node("a", "completed"), node("b", "failed"), node("c", "waiting")]
    last = node("d", "waiting", notes=["only if $.output", "on a failure above: run"])
    found = drawn([*nodes, last], (0, 3), (1, 3), (2, 3))
    kinds = {arrow.source: (arrow.kind, arrow.is_conditional) for arrow in found.arrows}
    assert [kinds[one.agent_id] for one in nodes] == [
        ("done", True),
        ("failed", True),
        ("open", True),
    ]
    assert found.marks == {"if", "run"}


def test_agents_that_wait_for_each_other_are_not_drawn() -> None:
    one, other = node("a", "planned"), node("b", "planned")
    edges = [
        Edge(source=one.agent_id, target=other.agent_id, waits=True),
        Edge(source=other.agent_id, target=one.agent_id, waits=True),
    ]
    assert drawing(Graph(nodes=[one, other], edges=edges, levels=[]), NOW) is None
    assert drawing(Graph(nodes=[], edges=[], levels=[]), NOW) is None


def test_long_and_wide_names_are_cut() -> None:
    assert cut("short") == "short"
    assert cells(cut("n" * 100)) == 28
    assert cells(cut("\u4f1a\u793e" * 50)) <= 28


def test_attempts_lie_on_the_axis_of_their_run() -> None:
    tried = [attempt(1, 0, 2), attempt(2, 5, None)]
    chart = waterfall(
        [node("a", "processing", attempts=tried), node("b", "waiting")], NOW, NOW + timedelta(0, 10)
    )
    assert chart is not None  # up to now, as one of them is on
    (lane,) = chart.lanes
    assert [(bar.x, bar.width) for bar in lane.bars] == [(0, 200), (500, 500)]
    assert lane.waits == ((200.0, 500.0),)
    assert chart.marks[0] == (0.0, "0")
    assert chart.marks[-1] == (WIDTH, "10 s")
    assert waterfall([node("b", "waiting")], NOW, NOW) is None
    at_once = waterfall([node("a", "completed", attempts=[attempt(1, 0, 0)])], NOW, NOW)
    assert at_once is not None
    assert at_once.lanes[0].bars[0].width > 0


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 8 * * 1-5", "Monday to Friday at 08:00"),
        ("30 7,19 * * *", "every day at 07:30 and 19:30"),
        ("0 9 * * mon,thu", "Mondays and Thursdays at 09:00"),
        ("*/15 * * * *", "every 15 minutes"),
        ("5 * * * *", "every hour at :05"),
        ("0 */6 * * *", "every 6 hours at :00"),
        ("0 0 1 * *", "on day 1 of each month at 00:00"),
        ("* * * * * */10", "every 10 s"),
        ("daily", "every day"),
        ("realtime", "as soon as its stream gains something"),
        ("0 9 1-7 * 1", "0 9 1-7 * 1"),
        ("0 9 * 6 1", "0 9 * 6 1"),
        ("0 9 * * 1#2", "0 9 * * 1#2"),
        ("9 h * * *", "9 h * * *"),
    ],
)
def test_schedules_are_told_in_words(expression: str, words: str) -> None:
    assert in_words(expression) == words


def event(kind: Any, **data: Any) -> str:
    return line(RunEvent(UUID(int=1), 7, kind, UUID(int=2), "A", None, 1, NOW, data)).text


def test_events_are_lines_without_secrets() -> None:
    assert event("status", status="awaiting_approval") == "awaiting approval"
    assert event("status", status="failed", error="it broke") == "failed: it broke"
    logged = event("log", level="info", message="hello", fields={"n": 1, "api_key": "x"})
    assert logged == "info hello n=1 api_key=[redacted]"
    assert event("progress", done=1, total=2, message="m") == "1/2 m"
    assert event("output", output={"a": [1]}) == 'returned {"a": [1]}'
    assert event("completed", results={}) == "completed"
    assert len(event("output_chunk", chunk="x" * 9000)) < 600


def test_a_change_is_told_by_what_differs() -> None:
    assert differences({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == [
        Difference("b", 2, 3),
        Difference("c", None, 4),
    ]
    assert differences(None, {"a": 1}) == [Difference("a", None, 1)]
