"""Limits that nobody reaches, for tests that have no minutes."""

from __future__ import annotations

from dataclasses import replace

from oppspot_runner.base.rate import RateLimit
from oppspot_runner.connectors.sources import SOURCES, Source

GENEROUS = RateLimit(10_000, 1.0)


def generous() -> dict[str, Source]:
    """The sources, each with such a limit."""
    return {name: replace(one, rate=GENEROUS) for name, one in SOURCES.items()}
