"""Which tasks a runner may take."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from oppspot_runner.base.protocol import PROTOCOL


@dataclass(frozen=True)
class Abilities:
    """Tasks of some `task_types` (none: of all), of agents that ask for no other `labels`, and for
    a `protocol` that is not newer. What is not among its `agent_types` it leaves to live runners
    that know it."""

    task_types: Collection[str] = ()
    labels: Collection[str] = ()
    agent_types: Collection[str] = ()
    protocol: int = PROTOCOL

    def params(self) -> dict[str, Any]:
        """As statements take it."""
        return {
            "task_types": list(self.task_types) or None,
            "labels": list(self.labels),
            "agent_types": list(self.agent_types),
            "protocol": self.protocol,
        }


ORDINARY = Abilities()
