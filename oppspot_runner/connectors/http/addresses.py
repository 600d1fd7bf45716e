"""Which IP addresses are on the public internet. Everything else is refused.

The tables are those of the IANA registries of special-purpose addresses, and what clouds put in
between. An IPv6 address that carries an IPv4 address inside is refused whatever it carries: nobody
needs one, and gateways would take us to the address inside.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NOT_PUBLIC_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network; some systems take 0.0.0.0 for loopback
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and the metadata of some clouds
        "127.0.0.0/8",
        "168.63.129.16/32",  # the platform address of Azure, inside a public block
        "169.254.0.0/16",  # link-local, and the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, and the metadata of Oracle's cloud
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Only these are given out for public use, so that mapped, NAT64, unique local, link-local,
# site-local and multicast addresses need no line of their own.
PUBLIC_V6 = IPv6Network("2000::/3")
NOT_PUBLIC_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo, ORCHID, benchmarks and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4: carries an IPv4 address
        "3fff::/20",
    )
)
# The end of an ISATAP address, before the IPv4 address that it carries; one bit of it may vary.
ISATAP = 0x0000_5EFE
ISATAP_MASK = 0xFDFF_FFFF


def is_public(address: Address) -> bool:
    """Whether `address` is on the public internet, and stands for itself alone."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    if address.scope_id is not None or address not in PUBLIC_V6:
        return False
    carries_ipv4 = (int(address) >> 32) & ISATAP_MASK == ISATAP
    return not carries_ipv4 and not any(address in network for network in NOT_PUBLIC_V6)


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of `networks` holds `address`."""
    return any(address in network for network in networks)
