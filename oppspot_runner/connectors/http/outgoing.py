"""What is to be sent: checked, and made into a request that holds no surprise."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any

import httpx2

from oppspot_runner.base.codes import Code
from oppspot_runner.connectors.http.errors import HttpRefusedError
from oppspot_runner.connectors.http.target import Target, read_target, refuse_unseen

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
MOST_HEADER = 8_192  # characters of one value
MOST_HEADERS = 100
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?|")
# They say where a message ends and to whom it goes, which is not for the caller to say.
OURS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# The only ways of packing whose unpacking is bounded piece by piece, everywhere.
ENCODINGS = "gzip, deflate"

Parameter = str | int | float | bool | None


@dataclass(frozen=True)
class Outgoing:
    """A request as the caller wants it. Times in seconds; None = what the policy says.

    `data` is text to be sent as it is, or the fields of a form; `json` any JSON value. Only one of
    the two is given.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Parameter | Sequence[Parameter]] = field(default_factory=dict)
    data: str | Mapping[str, Any] | None = None
    json: Any = None
    timeout_s: float | None = None
    max_redirects: int | None = None
    follow_redirects: bool = True
    verify_tls: bool = True

    def target(self) -> Target:
        """Where it goes at first, with its parameters. Raises HttpRefusedError."""
        target = read_target(self.url)
        if not self.params:
            return target
        whole = str(target.url.copy_merge_params(dict(self.params)))
        refuse_unseen(whole)
        return Target(httpx2.URL(whole), target.scheme, target.host, target.port)

    def request(self, target: Target, most_bytes: int) -> httpx2.Request:
        """The request to `target`. Raises HttpRefusedError for what cannot be sent."""
        method = self.method.upper()
        if method not in METHODS:
            raise _unsendable(f"the method {method[:20]!r} is none of {', '.join(METHODS)}")
        if self.data is not None and self.json is not None:
            raise _unsendable("data and json cannot both be the body")
        headers = checked_headers(self.headers)
        try:
            request = httpx2.Request(method, target.url, headers=headers, **self._body())
        except (TypeError, ValueError):  # its words may hold what was to be sent
            raise _unsendable("the body cannot be written as what it is to be") from None
        if len(request.content) > most_bytes:
            raise HttpRefusedError(
                Code.REQUEST_TOO_LARGE,
                f"the body has {len(request.content)} bytes, more than {most_bytes}",
            )
        return request

    def _body(self) -> dict[str, Any]:
        if self.json is not None:
            return {"json": self.json}
        return {"content": self.data} if isinstance(self.data, str) else {"data": self.data}


def is_sendable(value: str) -> bool:
    """Whether a header may have that value."""
    return len(value) <= MOST_HEADER and bool(HEADER_VALUE.fullmatch(value))


def checked_headers(headers: Mapping[str, str]) -> httpx2.Headers:
    """`headers` with those that the client adds. Raises HttpRefusedError, never with a value."""
    if len(headers) > MOST_HEADERS:
        raise _refused_header(f"there are more than {MOST_HEADERS} headers")
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name):
            raise _refused_header(f"{name[:50]!r} is no name of a header")
        if name.lower() in OURS:
            raise _refused_header(f"the header {name} is set by the client alone")
        if not is_sendable(value):
            raise _refused_header(
                f"the value of {name} is too long or has characters outside of printable ASCII"
            )
    ours = {"accept": "*/*", "accept-encoding": ENCODINGS, "user-agent": user_agent()}
    return httpx2.Headers({**ours, **{name.lower(): value for name, value in headers.items()}})


@cache
def user_agent(contact: str | None = None) -> str:
    """How we call ourselves, with where to reach who runs us."""
    name = f"oppspot-runner/{version('oppspot-runner')}"
    return f"{name} (+{contact})" if contact else name


def _refused_header(fault: str) -> HttpRefusedError:
    return HttpRefusedError(Code.HEADER_REFUSED, fault)


def _unsendable(fault: str) -> HttpRefusedError:
    return HttpRefusedError(Code.REQUEST_MALFORMED, fault)
