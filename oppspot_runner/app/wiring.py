"""Wires a runner: settings in, a Runner with everything that its attempts need out."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from uuid import UUID

from structlog.typing import FilteringBoundLogger

from oppspot_runner.agents.registry import Registry
from oppspot_runner.agents.registry import registry as all_agents
from oppspot_runner.agents.stores import Stores
from oppspot_runner.app.agent_keys import find as find_key
from oppspot_runner.app.tools import RunnerTools, load_tools
from oppspot_runner.app.web import RunnerWeb
from oppspot_runner.backends.backend import BackendSurroundings
from oppspot_runner.backends.places import Factory, all_places
from oppspot_runner.base.events import Event, EventBus, Tell, everybody, tell_nobody
from oppspot_runner.base.runner_settings import DAY_S
from oppspot_runner.base.settings import Settings, load_settings
from oppspot_runner.base.task import Task
from oppspot_runner.base.tracing import trace_id
from oppspot_runner.base.version import package_version
from oppspot_runner.companies.industry_table import use_industries
from oppspot_runner.db.pool import Database
from oppspot_runner.llm.models import Models
from oppspot_runner.llm.paid_calls import PaidCalls
from oppspot_runner.observe import tracing
from oppspot_runner.observe.logging import EventLog, task_log
from oppspot_runner.queue.event_writer import EventWriter
from oppspot_runner.queue.journal import TaskJournal
from oppspot_runner.runner.briefing import Ports
from oppspot_runner.runner.config import RunnerConfig
from oppspot_runner.runner.loop import Leave, Runner
from oppspot_runner.runner.settler import Settler
from oppspot_runner.runner.term import Term
from oppspot_runner.runner.tools import Tools
from oppspot_runner.streams.companies import CompanyStore
from oppspot_runner.streams.drafts import DraftStore
from oppspot_runner.streams.insights import InsightStore
from oppspot_runner.streams.items import ItemStore
from oppspot_runner.streams.people import PeopleStore
from oppspot_runner.streams.posts import PostStore
from oppspot_runner.streams.signals import SignalStore

# Imported for what they register; `registry.load_modules` does it when a runner starts, so that
# other commands do not pay for it.
BUILT_IN = (
    "oppspot_runner.agents.opportunity_bot",
    "oppspot_runner.agents.enrichment",
    "oppspot_runner.agents.llm",
    "oppspot_runner.agents.scoring",
    "oppspot_runner.agents.scout",
    "oppspot_runner.agents.writer",
    "oppspot_runner.agents.relationship",
    "oppspot_runner.agents.reddit",
    "oppspot_runner.agents.hacker_news",
    "oppspot_runner.notifications.delivery",
)


def runner_config(settings: Settings, *, drain_and_exit: bool = False) -> RunnerConfig:
    """What a runner is told, from the settings of this process."""
    return RunnerConfig(
        slots=settings.concurrency,
        poll_s=settings.poll_interval,
        lease_s=settings.lease,
        grace_s=settings.grace,
        task_types=tuple(settings.task_types),
        labels=tuple(settings.labels),
        fair_share=settings.fair_share,
        ageing_s=settings.ageing,
        keep_s=settings.retention * DAY_S,
        history_s=settings.history_retention * DAY_S,
        events_s=settings.event_retention * DAY_S,
        people_s=settings.people_retention * DAY_S,
        audit_s=settings.audit_retention * DAY_S,
        host=socket.gethostname(),
        pid=os.getpid(),
        version=package_version(),
        drain_and_exit=drain_and_exit,
        blocked_s=settings.blocked_limit,
        most_hanging=settings.most_hanging,
        most_connections=settings.connections,
    )


def build_runner(
    database: Database,
    config: RunnerConfig,
    *,
    registry: Registry | None = None,
    events: EventBus | None = None,
    leave: Leave | None = None,
    settings: Settings | None = None,
    backends: Mapping[str, Factory] | None = None,
) -> Runner:
    """A runner with all that its attempts need. `leave` ends its process, or starts it anew: not
    given inside an application. `settings` say what models and tools may reach. `backends` make the
    places outside of this process, instead of installed packages. Raises ConfigurationError."""
    settings = settings or load_settings()
    use_industries(settings.industries)
    bus, agents, models = events or EventBus(), registry or all_agents, Models(settings)
    around = BackendSurroundings(database, settings, package_version(), asyncio.Event())
    places = all_places(around, lambda: runner.runner_id, backends)

    def tools_for(term: Term) -> Tools:
        return Tools(
            database=database,
            registry=agents,
            ports=ports_on(database, models, agent_tools, web, bus.emit),
            places=places,
            settler=Settler(database, runner.patience, term.member.id),
            beware=term.claimer.beware,
            patience=runner.patience,
            events=bus,
            event_writer=EventWriter(database),
            log=lambda task, journal: log_of(task, term.member.id, journal),
        )

    told = replace(config, agent_types=tuple(agents.known()), backends=tuple(places.outside()))
    runner = Runner(database, told, bus, tools_for, places, leave)
    agent_tools = RunnerTools(database, runner.patience.through, settings, bus.emit)
    web = RunnerWeb(database, runner.patience.through, settings)
    runner.at_end = (agent_tools.stop, web.stop, models.close)
    observe(bus, settings)
    return runner


def observe(bus: EventBus, settings: Settings) -> None:
    """Subscribes what is always told of events: the log, traces where there are any, and people's
    own subscribers."""
    traces = tracing.start(settings.traces)
    EventLog(bus, traces.trace_id if traces else None)
    if traces is not None:
        traces.subscribe(bus)
    bus.subscribe(Event, everybody.emit)


def log_of(task: Task, runner_id: int, journal: TaskJournal | None) -> FilteringBoundLogger:
    """The logger of an attempt."""
    if journal is None:
        return task_log(task, runner_id)
    return task_log(task, runner_id, journal.tell, trace_id=trace_id(journal.traceparent))


def stores_on(database: Database, task: Task, stream_id: UUID | None) -> Stores:
    """The tables of the domain, as the agent of a task sees them."""
    org_id = task.org_id
    return Stores(
        companies=CompanyStore(database, org_id),
        posts=PostStore(database, org_id),
        drafts=DraftStore(database, org_id, stream_id, task),
        signals=SignalStore(database, org_id, stream_id, task),
        people=PeopleStore(database, org_id),
        items=ItemStore(database, org_id, stream_id) if stream_id else None,
        insights=InsightStore(database, org_id, stream_id, task) if stream_id else None,
    )


def ports_on(
    database: Database,
    models: Models,
    agent_tools: RunnerTools,
    web: RunnerWeb,
    tell: Tell = tell_nobody,
) -> Ports:
    """The tables of the domain, the models, the tools and the outside world, as agents see them.

    `tell` hears of calls of models.
    """
    return Ports(
        stores=lambda task, stream_id: stores_on(database, task, stream_id),
        models=lambda task, journal, stream_id: PaidCalls(
            models, task, journal, stream_id, partial(find_key, database, models.settings), tell
        ),
        tools=agent_tools.of,
        web=web.of,
        sources=web.sources,
    )


def load_agents(registry: Registry, settings: Settings) -> list[str]:
    """Registers our own agents, and agents and tools of installed packages and OPPSPOT_IMPORT.

    Returns problems of installed packages as text. Raises ConfigurationError for a module that
    was asked for by name and cannot be imported.
    """
    problems = registry.load_entry_points()
    registry.load_modules([*BUILT_IN, *settings.import_])
    return [*problems, *load_tools()]
