"""Layouts of graphs: nothing touches, lines go rightwards and around boxes, all is inside."""

from __future__ import annotations

import graphlib
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.api.dashboard.graph_layout import Layout, lay_out

Graph = tuple[dict[int, float], dict[int, list[int]]]


@st.composite
def graphs(draw: st.DrawFn, most: int = 25) -> Graph:
    size = draw(st.integers(0, most))
    names = draw(st.permutations(range(size)))  # the order of rows says nothing about the edges
    widths = {name: float(draw(st.integers(120, 260))) for name in names}
    needs = {
        name: draw(st.lists(st.integers(0, name - 1), unique=True, max_size=4)) if name else []
        for name in names
    }
    return widths, needs


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(graphs())
def test_any_graph_can_be_read(graph: Graph) -> None:
    widths, needs = graph
    drawn = lay_out(widths, needs)
    assert [box.key for box in drawn.boxes] == list(widths)
    assert all(box.width >= widths[box.key] for box in drawn.boxes)
    lines = {(line.source, line.target) for line in drawn.lines}
    assert lines == {(source, target) for target in needs for source in needs[target]}
    _nothing_touches(drawn)
    _lines_go_rightwards_and_around(drawn)
    _all_is_inside(drawn)
    assert lay_out(widths, needs) == drawn


def _nothing_touches(drawn: Layout[int]) -> None:
    for one, other in combinations(drawn.boxes, 2):
        apart = max(
            max(one.x, other.x) - min(one.x + one.width, other.x + other.width),
            max(one.y, other.y) - min(one.y + one.height, other.y + other.height),
        )
        assert apart >= 8, (one, other)


def _lines_go_rightwards_and_around(drawn: Layout[int]) -> None:
    boxes = {box.key: box for box in drawn.boxes}
    for line in drawn.lines:
        source, target = boxes[line.source], boxes[line.target]
        ends = (source.x + source.width, source.y + 29), (target.x, target.y + 29)
        for point, end in zip((line.points[0], line.points[-1]), ends, strict=True):
            assert point == pytest.approx(end)
        for (left, above), (right, below) in pairwise(line.points):
            assert left < right
            for box in set(drawn.boxes) - {source, target}:
                beside = box.x >= right or box.x + box.width <= left
                level = box.y <= max(above, below) and min(above, below) <= box.y + box.height
                assert beside or not level, (line, box)


def _all_is_inside(drawn: Layout[int]) -> None:
    for box in drawn.boxes:
        assert 0 < box.x < box.x + box.width < drawn.width
        assert 0 < box.y < box.y + box.height < drawn.height
    for line in drawn.lines:
        assert all(0 < x < drawn.width and 0 < y < drawn.height for x, y in line.points)


def test_two_pairs_that_could_cross_do_not() -> None:
    needs = {"c": ["b"], "d": ["a"], "a": [], "b": []}
    drawn = lay_out(dict.fromkeys(needs, 150.0), needs)
    top = {box.key: box.y for box in drawn.boxes}
    assert (top["a"] < top["b"]) == (top["d"] < top["c"])


def test_two_hundred_agents_are_laid_out() -> None:
    """Each waits for all before it: the most lines that there can be, with the longest ways."""
    needs = {name: list(range(max(name - 40, 0), name)) for name in range(200)}
    drawn = lay_out(dict.fromkeys(needs, 180.0), needs)
    assert len(drawn.lines) == sum(map(len, needs.values()))
    _nothing_touches(drawn)


def test_a_path_is_curved_between_columns_and_straight_through_them() -> None:
    needs: dict[str, list[str]] = {"a": [], "b": ["a"], "c": ["a", "b"]}
    drawn = lay_out(dict.fromkeys(needs, 150.0), needs)
    (long,) = [line for line in drawn.lines if (line.source, line.target) == ("a", "c")]
    assert long.path.count("C") == 2
    assert long.path.count("H") == 1


def test_who_waits_for_each_other_has_no_place() -> None:
    with pytest.raises(graphlib.CycleError):
        lay_out({"a": 150.0, "b": 150.0}, {"a": ["b"], "b": ["a"]})
