"""The app of Celery workers: `celery -A oppspot_runner.app.celery_worker worker`.

A worker needs DATABASE_URL, the broker, and the agents, as a runner does. Each process of its pool
runs one body at a time.
"""

from __future__ import annotations

import os
import signal
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from celery import Celery, signals
from celery.concurrency.prefork import TaskPool

from oppspot_runner.agents.registry import registry
from oppspot_runner.app.body_runner import BodyRunner
from oppspot_runner.app.wiring import load_agents
from oppspot_runner.backends.celery import broker_of
from oppspot_runner.backends.celery_bodies import BODY, LOOK_SIGNAL, celery_app
from oppspot_runner.base.settings import load_settings
from oppspot_runner.observe import logging


def __getattr__(name: str) -> Any:
    # `celery -A` asks for it; made then, so that whoever else imports this module needs no broker.
    if name == "app":
        return made_app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def made_app() -> Celery:
    """The app, from the settings of this process. Raises ConfigurationError.

    Agents are loaded here, once for all processes of the pool.
    """
    settings = load_settings()
    app = celery_app(broker_of(settings), settings.celery_queue)
    problems = load_agents(registry, settings)

    @cache
    def body_runner(worker: str) -> BodyRunner:
        """The one of this process of the pool."""
        made = BodyRunner(settings, registry, f"{worker}:{os.getpid()}")
        signal.signal(getattr(signal, LOOK_SIGNAL), made.look)
        return made

    def run_body(task: Any, handle: str) -> None:
        runner = body_runner(task.request.hostname)
        runner.run(UUID(handle))
        if runner.worn_out:
            raise SystemExit  # the pool starts another process

    def set_up_logging(**_: Any) -> None:
        logging.set_up(settings.log, settings.log_level)

    def begin(sender: Any, **_: Any) -> None:
        _require_processes(sender.pool_cls)
        for problem in problems:
            structlog.get_logger().warning(
                "an installed agent or tool was left out", problem=problem
            )

    app.task(name=BODY, bind=True)(run_body)
    signals.setup_logging.connect(set_up_logging, weak=False)
    signals.worker_init.connect(begin, weak=False)
    return app


def _require_processes(pool: type) -> None:
    """Ends the worker unless it runs bodies in processes: nothing else can be ended."""
    if not issubclass(pool, TaskPool):
        raise SystemExit(
            f"oppspot-runner needs processes, and this worker has {pool.__module__}: bodies there "
            "cannot be ended at their time limit. Start it with --pool prefork."
        )
