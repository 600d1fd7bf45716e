"""The measures, in the order in which they run."""

from __future__ import annotations

from benchmarks.measure import Measure
from benchmarks.measures import throughput

ALL: tuple[Measure, ...] = (throughput.MOST, throughput.THREE)
