"""Graphs of agents, ready to be drawn: what a template turns into SVG, and a table of the same."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from unicodedata import east_asian_width
from uuid import UUID

from oppspot_runner.api.dashboard.graph_layout import Box, Layout, lay_out
from oppspot_runner.api.reads.graph import Graph, Node
from oppspot_runner.base.wording import progress, span
from oppspot_runner.workflow.plan import APPROVED, ONLY_IF

LETTER = 8.3  # pixels of a letter of a name; fonts differ, this is a wide one
SMALL_LETTER = 7.2
MOST_LETTERS = 28
PADDING = 44.0  # with the sign of the status
LEAST_WIDTH = 136.0
MOST_WIDTH = 300.0
MOST_SAID = 34
ENDED = {"completed", "failed", "skipped", "cancelled"}
# How people call what a task of a node does; events of runs use the same words.
WORDS = {"pending": "queued", "processing": "running", "awaiting_approval": "wants approval"}
# Which sign stands for a note that begins so.
MARKS = {
    ONLY_IF: "if",
    "on a failure above: run": "run",
    "on a failure above: fail": "fail",
    APPROVED: "gate",
}


@dataclass(frozen=True)
class Drawn:
    """An agent with its place, and what stands in its box. `marks`: a sign and what it says."""

    node: Node
    box: Box[UUID]
    status: str
    said: str
    marks: tuple[tuple[str, str], ...]
    after: tuple[str, ...]

    @property
    def title(self) -> str:
        """The name as far as there is room for it."""
        return cut(self.node.name)

    @property
    def word(self) -> str:
        """The status as people call it."""
        return WORDS.get(self.status, self.status)

    @property
    def done(self) -> float | None:
        """The share that is done, 0 to 1, where an agent told so."""
        told = self.node.progress
        if self.status != "processing" or told is None or not told.total or told.total < 0:
            return None
        return min(max(told.done / told.total, 0.0), 1.0)

    @property
    def took_ms(self) -> float | None:
        """From the begin of the first attempt to the end of the last."""
        began, ended = self.node.started_at, self.node.finished_at
        return None if began is None or ended is None else (ended - began).total_seconds() * 1000


@dataclass(frozen=True)
class Arrow:
    """A line between two agents; `kind`: done, failed or open, as its source has ended."""

    path: str
    kind: str
    is_conditional: bool
    source: UUID
    target: UUID


@dataclass(frozen=True)
class Drawing:
    """A graph with places, level by level."""

    layout: Layout[UUID]
    nodes: tuple[Drawn, ...]
    arrows: tuple[Arrow, ...]

    @property
    def marks(self) -> set[str]:
        """The signs that there are."""
        return {kind for one in self.nodes for kind, _ in one.marks}


def drawing(graph: Graph, now: datetime) -> Drawing | None:
    """The graph with its places; None when it has no agents, or some that wait for each other."""
    nodes = {one.agent_id: one for one in graph.nodes if one.status != "left_out"}
    needs: dict[UUID, list[UUID]] = {}
    for edge in graph.edges:
        if edge.waits:
            needs.setdefault(edge.target, []).append(edge.source)
    said = {key: _said(node, now) for key, node in nodes.items()}
    widths = {key: _width(node, said[key]) for key, node in nodes.items()}
    try:
        layout = lay_out(widths, needs)
    except graphlib.CycleError:
        return None
    drawn = (
        Drawn(
            nodes[box.key],
            box,
            _status(nodes[box.key]),
            said[box.key],
            tuple(_marks(nodes[box.key])),
            tuple(nodes[one].name for one in needs.get(box.key, ()) if one in nodes),
        )
        for box in layout.boxes
    )
    ordered = tuple(sorted(drawn, key=lambda one: (one.box.level, one.box.y)))
    return Drawing(layout, ordered, tuple(_arrows(layout, nodes))) if nodes else None


def _arrows(layout: Layout[UUID], nodes: Mapping[UUID, Node]) -> Iterator[Arrow]:
    for line in layout.lines:
        status = nodes[line.source].status
        kind = "done" if status == "completed" else "failed" if status in ENDED else "open"
        conditional = "if" in dict(_marks(nodes[line.target]))
        yield Arrow(line.path, kind, conditional, line.source, line.target)


def _status(node: Node) -> str:
    return "waiting" if node.status == "pending" and node.waits_for else node.status


def _said(node: Node, now: datetime) -> str:
    """What stands below the name, besides the word for the status."""
    if node.cancel_requested and node.status not in ENDED:
        return "being cancelled"
    if node.status == "planned":
        return cut("cannot run" if node.faults else node.agent_type or "", MOST_SAID)
    if node.status == "pending" and node.waits_for:
        return cut(f"for {node.waits_for}", MOST_SAID)
    if node.status == "pending" and node.due_at is not None and node.due_at > now:
        again = "again " if node.attempts else ""
        return f"{again}in {span((node.due_at - now).total_seconds())}"
    if node.status == "processing":
        return cut(progress(node.progress.model_dump()), MOST_SAID) if node.progress else ""
    if node.started_at is None or node.finished_at is None:
        return ""
    took = span(max((node.finished_at - node.started_at).total_seconds(), 0))
    return f"{took}, {len(node.attempts)} attempts" if len(node.attempts) > 1 else took


def _marks(node: Node) -> Iterator[tuple[str, str]]:
    for note in node.notes:
        for begin, kind in MARKS.items():
            if note.startswith(begin):
                yield kind, note


def _width(node: Node, said: str) -> float:
    marks = sum(1 for _ in _marks(node))
    name = PADDING + LETTER * cells(cut(node.name)) + 17 * marks
    status = _status(node)
    words = said if status == "planned" else f"{WORDS.get(status, status)} {said}"
    return round(min(max(name, PADDING + SMALL_LETTER * cells(words), LEAST_WIDTH), MOST_WIDTH))


def cells(text: str) -> int:
    """How wide a text is, in letters: those of East Asia take two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def cut(text: str, most: int = MOST_LETTERS) -> str:
    """A text as far as there is room for it."""
    if cells(text) <= most:
        return text
    shown = text[:most]
    while cells(shown) >= most:
        shown = shown[:-1]
    return f"{shown}…"
