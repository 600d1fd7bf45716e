"""Imported by a runner of its own, and by nobody else: lets it ask as often as it wants."""

from __future__ import annotations

from oppspot_runner.connectors.sources import SOURCES
from tests.agents.generous import generous

SOURCES.update(generous())  # type: ignore[attr-defined]
