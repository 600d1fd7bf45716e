"""What every attempt of a runner works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from oppspot_runner.agents.registry import Registry
from oppspot_runner.backends.places import Places
from oppspot_runner.base.events import EventBus
from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import Database
from oppspot_runner.queue.event_writer import EventWriter
from oppspot_runner.queue.journal import TaskJournal
from oppspot_runner.runner.briefing import Ports
from oppspot_runner.runner.patience import Patience
from oppspot_runner.runner.settler import Settler


@dataclass(frozen=True)
class Tools:
    """Of one term of the runner. `beware`: from now on it leaves agent types that it does not know
    to those who do."""

    database: Database
    registry: Registry
    ports: Ports
    places: Places
    settler: Settler
    beware: Callable[[], None]
    patience: Patience
    events: EventBus
    event_writer: EventWriter
    log: Callable[[Task, TaskJournal | None], FilteringBoundLogger]
