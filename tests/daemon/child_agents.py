"""Agents that run in child processes of a runner; loaded with --import."""

from __future__ import annotations

from oppspot_runner import registry
from tests.backends.sample_agents import forking, stuck

registry.register(forking, "forking", isolation="process")
registry.register(stuck, "stuck", isolation="process")
