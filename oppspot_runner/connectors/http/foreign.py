"""A client for libraries that speak HTTP themselves: what they dial is checked."""

from __future__ import annotations

from collections.abc import Mapping

import httpcore2
import httpx2

from oppspot_runner.connectors.http.dialing import GuardedBackend, system_resolver
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.connectors.http.transport import GuardedTransport

MOST_BYTES = 64 * 1024 * 1024  # of one answer, which may be a stream that stays open


def client_for_library(
    policy: HttpPolicy, headers: Mapping[str, str], read_s: float
) -> httpx2.AsyncClient:
    """A client that reaches what `policy` lets through, follows no redirect, takes no proxy of the
    environment, and bounds every answer. To be closed by whoever gets it."""
    backend = GuardedBackend(policy, system_resolver, httpcore2.AnyIOBackend())
    tls = httpx2.create_ssl_context(trust_env=False)
    limits = policy.limits
    return httpx2.AsyncClient(
        transport=GuardedTransport(backend, tls, MOST_BYTES),
        headers=dict(headers),
        timeout=httpx2.Timeout(limits.read_s, connect=limits.connect_s, read=read_s),
        follow_redirects=False,
        trust_env=False,
    )
