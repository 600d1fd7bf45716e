"""Reads the address of a request, and refuses every spelling that programs read differently.

What is refused here is refused before a name is resolved. What passes has one meaning: an http or
https URL with a plain host name or a canonical IP address.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import httpx2

from oppspot_runner.base.codes import Code
from oppspot_runner.connectors.http.errors import HttpRefusedError

MOST_URL = 2_048  # characters; servers and proxies refuse longer ones too
MOST_HOST = 253
DEFAULT_PORTS = {"http": 80, "https": 443}
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
FORM = re.compile(r"([A-Za-z]+)://([^/?#]*)([/?#].*)?")
PORT = re.compile(r"[0-9]{1,5}")
NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Control, format (also what turns the direction of text) and surrogates; spaces and line ends.
UNSEEN = {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}
# Dots that are folded into "." when a name is made ASCII.
FOREIGN_DOTS = "\u3002\uff0e\uff61"


@dataclass(frozen=True)
class Target:
    """Where a request goes. `host` is lower-case ASCII, an IPv6 address without brackets."""

    url: httpx2.URL
    scheme: str
    host: str
    port: int

    @property
    def shown(self) -> str:
        """The address as it may be shown: without its path and query."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """What has to be the same for two requests to go to the same party."""
        return self.scheme, self.host, self.port


def read_target(text: str) -> Target:
    """The target that `text` names. Raises HttpRefusedError with a code of the URL_ group."""
    refuse_unseen(text)
    scheme, authority, rest = _parts(text)
    if "@" in authority:
        raise HttpRefusedError(
            Code.URL_CREDENTIALS,
            "there are credentials in the URL",
            hint="Send them in a header.",
        )
    host, port = _host_and_port(authority)
    shown = f"[{host}]" if ":" in host else host
    try:
        url = httpx2.URL(f"{scheme}://{shown}:{port or DEFAULT_PORTS[scheme]}{rest}")
    except httpx2.InvalidURL as error:
        raise _malformed(f"it cannot be read ({error})") from None
    return Target(url, scheme, host, port or DEFAULT_PORTS[scheme])


def refuse_unseen(text: str) -> None:
    """Raises HttpRefusedError for what is too long, and for characters that hide something."""
    if len(text) > MOST_URL:
        raise _malformed(f"it has more than {MOST_URL} characters")
    if any(unicodedata.category(character) in UNSEEN for character in text):
        raise HttpRefusedError(
            Code.URL_CONTROL_CHARACTERS,
            "there are spaces or control characters in the URL",
            hint="Write them in percent-encoding, such as %20.",
        )
    if "\\" in text:
        raise _ambiguous("there is a backslash in the URL")


def checked_host(text: str) -> str:
    """A host in its one spelling. Raises HttpRefusedError for every other one."""
    if text.startswith("["):
        return _ipv6(text)
    host = text.lower()
    if not host.isascii():
        host = _in_ascii(host)
    if not host:
        raise _malformed("it names no host")
    labels = host.split(".")
    if NUMBER.fullmatch(labels[-1]):
        return _ipv4(host)
    if len(host) > MOST_HOST or not all(map(NAME.fullmatch, labels)):
        raise _ambiguous("the host is not a plain name such as api.example.com")
    return host


def _parts(text: str) -> tuple[str, str, str]:
    named = SCHEME.match(text)
    if named is None:
        raise _malformed("it does not begin with http:// or https://")
    scheme = named[1].lower()
    if scheme not in DEFAULT_PORTS:
        raise HttpRefusedError(
            Code.URL_SCHEME_REFUSED, f"the scheme {scheme[:20]!r} is neither http nor https"
        )
    form = FORM.fullmatch(text)
    if form is None:
        raise _malformed("after the scheme there is no //host")
    return scheme, form[2], form[3] or "/"


def _host_and_port(authority: str) -> tuple[str, int | None]:
    bracket = authority.rfind("]")
    host, colon, port = authority[bracket + 1 :].partition(":")
    if bracket >= 0 and host:
        raise _ambiguous("there is something between the IPv6 address and the port")
    if colon and not (PORT.fullmatch(port) and 0 < int(port) < 65_536):
        raise _malformed("the port is no number from 1 to 65535")
    return checked_host(authority[: bracket + 1] + host), int(port) if colon else None


def _in_ascii(host: str) -> str:
    if any(dot in host for dot in FOREIGN_DOTS):
        raise _ambiguous("the host has dots of another script")
    try:
        # Strict IDNA 2008: characters that only look like others are not folded into them.
        return httpx2.URL(f"http://{host}/").raw_host.decode("ascii")
    except httpx2.InvalidURL:
        raise _ambiguous("the host has characters that are not allowed in names") from None


def _ipv4(host: str) -> str:
    try:
        return str(IPv4Address(host))
    except ValueError:
        raise _ambiguous("the host is a number, but no IPv4 address as 192.0.2.1") from None


def _ipv6(text: str) -> str:
    try:
        address = IPv6Address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise _ambiguous("what stands in brackets is no IPv6 address") from None
    if not text.endswith("]") or address.scope_id is not None:
        raise _ambiguous("the IPv6 address has a zone or no end")
    return str(address)


def _malformed(fault: str) -> HttpRefusedError:
    return HttpRefusedError(Code.URL_MALFORMED, f"this is no usable URL: {fault}")


def _ambiguous(fault: str) -> HttpRefusedError:
    return HttpRefusedError(
        Code.URL_AMBIGUOUS, fault, hint="Write the host as a name or as a canonical IP address."
    )
