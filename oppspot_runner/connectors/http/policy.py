"""What the operator lets through, and how much of it. A model or a task never changes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_network

from oppspot_runner.base.settings import Settings
from oppspot_runner.connectors.http.addresses import Network


@dataclass(frozen=True)
class HttpLimits:
    """How long a call may take and how much it may bring, all redirects of it together."""

    connect_s: float = 5.0
    read_s: float = 15.0  # between two pieces of an answer
    total_s: float = 30.0  # from the first dial to the last byte, unless the caller says less or
    most_total_s: float = 300.0  # more, up to this
    response_bytes: int = 2 * 1024 * 1024  # after unpacking
    request_bytes: int = 1024 * 1024
    redirects: int = 5
    most_redirects: int = 20


@dataclass(frozen=True)
class HttpPolicy:
    """`networks` are reachable although they are not public; ports are the only ones dialled."""

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset({80, 443, 8080, 8443})
    unverified_tls: bool = False
    limits: HttpLimits = field(default_factory=HttpLimits)

    @classmethod
    def of(cls, settings: Settings) -> HttpPolicy:
        """The policy that the operator's settings make."""
        return cls(
            networks=tuple(map(ip_network, settings.reachable_networks)),
            ports=frozenset(settings.reachable_ports),
            unverified_tls=settings.unverified_tls,
        )
