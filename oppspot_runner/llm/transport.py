"""The HTTP client that the libraries of providers get from us, and what becomes of its answers."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import cache

import httpx2

CONNECT_TIMEOUT_S = 10.0
BEGUN: ContextVar[list[httpx2.Response]] = ContextVar("begun")


@cache
def certificates() -> ssl.SSLContext:
    """What all clients trust; to read it costs more than the first call of a model."""
    return httpx2.create_ssl_context()


def new_client() -> httpx2.AsyncClient:
    """A client without a time limit of its own: the request to the model has one.

    It follows no redirect, because the key would go along to wherever that points.
    """
    timeout = httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S)
    hooks = {"response": [_remember]}
    return httpx2.AsyncClient(verify=certificates(), timeout=timeout, event_hooks=hooks)


@asynccontextmanager
async def answers_closed() -> AsyncIterator[None]:
    """Closes at its end what answers began inside of it.

    Libraries leave the connection of a stream open that broke off or was left early, until somebody
    collects the garbage; meanwhile the provider writes, and is paid.
    """
    begun: list[httpx2.Response] = []
    BEGUN.set(begun)
    try:
        yield
    finally:
        for response in begun:
            await response.aclose()


async def _remember(response: httpx2.Response) -> None:
    BEGUN.get().append(response)
