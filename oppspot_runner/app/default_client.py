"""The client that `agent.enqueue(...)` uses where none is given: that of our settings."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

from oppspot_runner.app.client import AsyncClient, Client
from oppspot_runner.db.operation import Operation
from oppspot_runner.queue import producer
from oppspot_runner.streams import directory


def enqueue_by_settings(
    agent: str,
    payload: Mapping[str, Any] | None = None,
    lane: str | None = None,
    client: Client | AsyncClient | None = None,
    **options: Any,
) -> Any:
    """What `weekly_digest.enqueue(...)` does: `enqueue` of `client`, else of `Client()`.

    `lane` is the task_type of the agent's code. With an AsyncClient the result is to be awaited.
    """
    return (client or _default_client()).run(_enqueue(agent, payload, lane, **options))


def forget_default_client() -> None:
    """Closes that client. The next use of it reads the settings anew."""
    if _default_client.cache_info().currsize:
        _default_client().close()
        _default_client.cache_clear()


def _enqueue(
    agent: str, payload: Mapping[str, Any] | None, lane: str | None, **options: Any
) -> Operation[UUID]:
    if lane is not None and options.get("task_type") is None:
        org_id = options.get("org_id")
        options["task_type"] = yield from directory.task_type_of(agent, lane, org_id)
    return (yield from producer.enqueue(agent, payload, **options))


@cache
def _default_client() -> Client:
    client = Client()
    atexit.register(client.close)
    return client
