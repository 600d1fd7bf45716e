"""Where the boxes and lines of a graph go, from left to right by levels. Pure, and always the same.

An agent stands one column right of the last one that it waits for. Within a column the order is
that of the neighbours' middles, so that few lines cross; heights are the closest to those of the
neighbours at which nothing touches. A line that passes a column gets a lane of its own there,
which it shares with the other lines of its source, so that no line runs through a box.
"""

from __future__ import annotations

import graphlib
from bisect import bisect, insort
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

BOX_HEIGHT = 58.0
GAP = 18.0  # between boxes of a column
LANE_HEIGHT = 2.0
LANE_GAP = 8.0  # beside a line that passes a column
COLUMN_GAP = 56.0
MARGIN = 12.0
SWEEPS = 6
MOST_COUNTED = 4_000  # lines; of more the crossings are not counted


@dataclass(frozen=True)
class Box(Generic[K]):
    """An agent's place. `x` and `y` are its left upper corner; it is as wide as its column."""

    key: K
    level: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line(Generic[K]):
    """From the right side of a box to the left side of another; `points` are where it bends."""

    source: K
    target: K
    points: tuple[tuple[float, float], ...]

    @property
    def path(self) -> str:
        """The line as SVG draws it: straight through columns, curved between them."""
        (x, y), *rest = self.points
        parts = [f"M{x:g} {y:g}"]
        for number, (to_x, to_y) in enumerate(rest):
            if number % 2:
                parts.append(f"H{to_x:g}")
            else:
                middle = (x + to_x) / 2
                parts.append(f"C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}")
            x, y = to_x, to_y
        return "".join(parts)


@dataclass(frozen=True)
class Layout(Generic[K]):
    """Boxes and lines on a canvas that holds them all; columns from left to right by `x`."""

    boxes: tuple[Box[K], ...]
    lines: tuple[Line[K], ...]
    columns: tuple[float, ...]
    width: float
    height: float


@dataclass
class Spot(Generic[K]):
    """A box, or the lane of a source in a column that its lines pass."""

    key: K
    level: int
    height: float
    width: float
    gap: float = GAP
    left: list[Spot[K]] = field(default_factory=list)
    right: list[Spot[K]] = field(default_factory=list)
    place: int = 0
    middle: float = 0.0


def lay_out(widths: Mapping[K, float], needs: Mapping[K, Collection[K]]) -> Layout[K]:
    """The layout of boxes as wide as given; each stands right of those that it needs.

    Boxes that nobody gave a width are left out of `needs`. Raises graphlib.CycleError.
    """
    known = {key: [one for one in needs.get(key, ()) if one in widths] for key in widths}
    levels = _levels(known)
    boxes = {key: Spot(key, levels[key], BOX_HEIGHT, width) for key, width in widths.items()}
    lanes: dict[tuple[K, int], Spot[K]] = {}
    routes = [
        (target, _route(boxes[source], boxes[target], lanes))
        for target, sources in known.items()
        for source in sources
    ]
    columns: list[list[Spot[K]]] = [[] for _ in range(max(levels.values(), default=-1) + 1)]
    for spot in (*boxes.values(), *lanes.values()):
        columns[spot.level].append(spot)
    _order(columns)
    _raise(columns)
    return _drawn(columns, list(boxes.values()), routes)


def _levels(needs: Mapping[K, Sequence[K]]) -> dict[K, int]:
    levels: dict[K, int] = {}
    for key in graphlib.TopologicalSorter(needs).static_order():
        levels[key] = max((levels[one] + 1 for one in needs[key]), default=0)
    return levels


def _route(source: Spot[K], target: Spot[K], lanes: dict[tuple[K, int], Spot[K]]) -> list[Spot[K]]:
    """The spots that a line passes, both ends included; new lanes are made as they are needed."""
    route = [source]
    for level in range(source.level + 1, target.level):
        lane = lanes.get((source.key, level))
        if lane is None:
            lane = lanes[source.key, level] = Spot(source.key, level, LANE_HEIGHT, 0, LANE_GAP)
            _join(route[-1], lane)
        route.append(lane)
    _join(route[-1], target)
    return [*route, target]


def _join(left: Spot[K], right: Spot[K]) -> None:
    left.right.append(right)
    right.left.append(left)


def _order(columns: list[list[Spot[K]]]) -> None:
    """Sorts each column by the places of its neighbours, and keeps what crosses least."""
    _number(columns)
    best = [list(column) for column in columns]
    fewest = _crossings(columns)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        rightwards = sweep % 2 == 0
        for column in columns if rightwards else reversed(columns):
            column.sort(key=lambda spot: _centre(spot, spot.left if rightwards else spot.right))
            for place, spot in enumerate(column):
                spot.place = place
        count = _crossings(columns)
        if count < fewest:
            fewest, best = count, [list(column) for column in columns]
    columns[:] = best
    _number(columns)


def _number(columns: list[list[Spot[K]]]) -> None:
    for column in columns:
        for place, spot in enumerate(column):
            spot.place = place


def _centre(spot: Spot[K], neighbours: Sequence[Spot[K]]) -> float:
    if not neighbours:
        return spot.place
    return sum(one.place for one in neighbours) / len(neighbours)


def _crossings(columns: Sequence[Sequence[Spot[K]]]) -> int:
    """How many pairs of lines cross; those of a large graph are taken for as many as there are."""
    lines = sum(len(spot.right) for column in columns for spot in column)
    if lines > MOST_COUNTED:
        return lines
    crossed = 0
    for column in columns:
        ends: list[int] = []
        for spot in column:
            places = [one.place for one in spot.right]
            crossed += sum(len(ends) - bisect(ends, place) for place in places)
            for place in places:
                insort(ends, place)
    return crossed


def _raise(columns: Sequence[Sequence[Spot[K]]]) -> None:
    """Gives each spot its height: as near to its neighbours' as the others of its column let it."""
    for column in columns:
        _settle(column, [0.0] * len(column))
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = []
            for spot in column:
                near = (spot.left if sweep % 2 == 0 else spot.right) or [spot]
                wanted.append(sum(one.middle for one in near) / len(near))
            _settle(column, wanted)


def _settle(column: Sequence[Spot[K]], wanted: Sequence[float]) -> None:
    """Puts spots in their order where they want to be, but apart: the least squares of all ways.

    Spots that want to be closer than they may form a block around their common middle.
    """
    offsets = [0.0]
    for above, below in pairwise(column):
        apart = (above.height + below.height) / 2 + min(above.gap, below.gap)
        offsets.append(offsets[-1] + apart)
    blocks: list[tuple[float, int]] = []  # the sum of what its spots want, and how many they are
    for offset, want in zip(offsets, wanted, strict=False):
        total, size = want - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / size:
            more, many = blocks.pop()
            total, size = total + more, size + many
        blocks.append((total, size))
    starts = [total / size for total, size in blocks for _ in range(size)]
    for spot, offset, start in zip(column, offsets, starts, strict=False):
        spot.middle = start + offset


def _drawn(
    columns: Sequence[Sequence[Spot[K]]],
    boxes: Sequence[Spot[K]],
    routes: Sequence[tuple[K, Sequence[Spot[K]]]],
) -> Layout[K]:
    spots = [spot for column in columns for spot in column]
    top = min((spot.middle - spot.height / 2 for spot in spots), default=0.0) - MARGIN
    for spot in spots:
        spot.middle = round(spot.middle - top, 1)
    bottom = max((spot.middle + spot.height / 2 for spot in spots), default=0.0)
    widths = [max(spot.width for spot in column) for column in columns]
    lefts = list(_lefts(widths))
    return Layout(
        tuple(
            Box(
                one.key,
                one.level,
                lefts[one.level],
                one.middle - one.height / 2,
                widths[one.level],
                one.height,
            )
            for one in boxes
        ),
        tuple(
            Line(route[0].key, target, tuple(_points(route, lefts, widths)))
            for target, route in routes
        ),
        tuple(lefts),
        lefts[-1] + widths[-1] + MARGIN if lefts else 2 * MARGIN,
        bottom + MARGIN,
    )


def _lefts(widths: Sequence[float]) -> Iterator[float]:
    left = MARGIN
    for width in widths:
        yield left
        left += width + COLUMN_GAP


def _points(
    route: Sequence[Spot[K]], lefts: Sequence[float], widths: Sequence[float]
) -> Iterator[tuple[float, float]]:
    first, *lanes, last = route
    yield lefts[first.level] + widths[first.level], first.middle
    for lane in lanes:
        yield lefts[lane.level], lane.middle
        yield lefts[lane.level] + widths[lane.level], lane.middle
    yield lefts[last.level], last.middle
