"""The registered domain behind a web address, where it can stand for one company.

Offline: the public suffix list comes with a package. Nothing is resolved or fetched.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

from oppspot_runner.companies.packaged import read_lines

MOST_ADDRESS = 2_000  # characters; longer texts are no web address
MOST_DOMAIN = 253

SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(?!\d)")
HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+")


def host_of(address: str) -> str | None:
    """The host name of a web address in lower case and ASCII, or None when it has none.

    Understands addresses without a scheme; of several in one text the first counts. Mail
    addresses, IP addresses and other schemes than http and https have none.
    """
    first = address.strip()[:MOST_ADDRESS].split(maxsplit=1)
    text = first[0].lower().strip("<>\"'()[],;") if first else ""
    if match := SCHEME.match(text):
        if match[1] not in ("http", "https"):
            return None
        text = text[match.end() :]
    has_scheme = match is not None
    authority = re.split(r"[/?#\\]", text.lstrip("/"), maxsplit=1)[0]
    if "@" in authority and not has_scheme:
        return None
    return _valid_host(authority.rpartition("@")[2].split(":", 1)[0].rstrip("."))


def _valid_host(host: str) -> str | None:
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii").lower()
        except UnicodeError:
            return None
    if len(host) > MOST_DOMAIN or not HOST.fullmatch(host):
        return None
    is_number = host.rpartition(".")[2].isdigit()  # an IP address; no top-level domain is a number
    return None if is_number else host


def registered_domain(address: str) -> str | None:
    """The domain somebody registered, such as `"acme.co.uk"` for `"https://www.Acme.co.uk/about"`.

    None for hosts that many companies share (linkedin.com, github.io, medium.com, ...), for
    unknown top-level domains, mail addresses, IP addresses and everything that is no address.
    """
    host = host_of(address)
    if host is None or is_platform(host):
        return None
    suffix = suffix_lists()[0].publicsuffix(host)
    if suffix is None or suffix == host or not _is_sold(suffix):
        return None
    return host[: -len(suffix) - 1].rpartition(".")[2] + "." + suffix


@lru_cache(maxsize=10_000)
def _is_sold(suffix: str) -> bool:
    """Whether anybody can register a domain below `suffix`."""
    official = suffix_lists()[1].publicsuffix(f"any.{suffix}")
    return official == suffix or suffix in sold_suffixes()


def is_platform(host: str) -> bool:
    """Whether `host`, or a domain above it, is one where many companies have pages."""
    labels = host.split(".")
    return any(".".join(labels[start:]) in platforms() for start in range(len(labels) - 1))


@cache
def platforms() -> frozenset[str]:
    """The hosts of the data file."""
    return frozenset(read_lines("platforms.txt"))


@cache
def sold_suffixes() -> frozenset[str]:
    """Suffixes sold like top-level domains, though the public suffix list calls them private."""
    return frozenset(read_lines("sold_suffixes.txt"))


@cache
def suffix_lists() -> tuple[PublicSuffixList, PublicSuffixList]:
    """The public suffix list with and without its private part; unknown ends are refused."""
    return (
        PublicSuffixList(accept_unknown=False),
        PublicSuffixList(accept_unknown=False, only_icann=True),
    )
