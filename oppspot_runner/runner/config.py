"""What a runner is told at its start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from oppspot_runner.queue.abilities import Abilities

# Agents share these for their steps and stores; with more slots they wait a moment for one.
MOST_FOR_AGENTS = 20
FOR_THE_RUNNER = 5  # claim, maintenance, writer of ends, saving, state
State = Literal["running", "paused", "stopping", "stopped"]


@dataclass(frozen=True)
class RunnerConfig:
    """What a runner needs to know. Durations are seconds."""

    slots: int = 3
    poll_s: float = 5.0
    lease_s: float = 30.0
    grace_s: float = 30.0
    task_types: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    agent_types: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    fair_share: bool = False
    ageing_s: float = 0.0
    keep_s: float = 30 * 86_400.0
    history_s: float = 90 * 86_400.0
    events_s: float = 7 * 86_400.0
    people_s: float = 365 * 86_400.0
    audit_s: float = 365 * 86_400.0
    host: str = "localhost"
    pid: int = 0
    version: str = "0"
    blocked_s: float = 60.0
    most_hanging: int = 10
    drain_and_exit: bool = False
    most_connections: int | None = None

    @property
    def beat_s(self) -> float:
        """Seconds between heartbeats: six fit into a lease."""
        return min(5.0, self.lease_s / 6)

    @property
    def abilities(self) -> Abilities:
        """Which tasks it may take."""
        return Abilities(self.task_types, self.labels, self.agent_types)

    @property
    def connections(self) -> int:
        """The most connections of the pool; heartbeat and listener have their own."""
        return self.most_connections or min(self.slots, MOST_FOR_AGENTS) + FOR_THE_RUNNER

    def facts(self) -> dict[str, Any]:
        """The columns of this runner's row."""
        return {
            "host": self.host,
            "pid": self.pid,
            "version": self.version,
            "slots": self.slots,
            **self.abilities.params(),
            "backends": list(self.backends),
            "poll_s": self.poll_s,
            "lease_s": self.lease_s,
            "beat_s": self.beat_s,
        }
