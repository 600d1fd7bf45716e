"""The request that a redirect asks for. What was meant for one party never reaches another."""

from __future__ import annotations

import httpx2

from oppspot_runner.base.codes import Code
from oppspot_runner.connectors.http.errors import HttpRefusedError
from oppspot_runner.connectors.http.target import SCHEME, Target, read_target, refuse_unseen

STATUSES = frozenset({301, 302, 303, 307, 308})
# All others may be credentials, under whatever name.
FOR_ANYBODY = ("accept", "accept-encoding", "accept-language", "user-agent")
OF_THE_BODY = ("content-type", "content-encoding", "content-language", "content-location")


def next_target(here: Target, location: str) -> Target:
    """Where `location` leads from `here`. Raises HttpRefusedError, as for a URL of the caller."""
    refuse_unseen(location)
    if SCHEME.match(location):
        return read_target(location)
    if location.startswith("//"):
        return read_target(f"{here.scheme}:{location}")
    try:
        return read_target(str(here.url.join(location)))
    except httpx2.InvalidURL:
        raise HttpRefusedError(
            Code.URL_MALFORMED, f"{here.shown} redirects to what is no URL"
        ) from None


def next_request(sent: httpx2.Request, status: int, here: Target, target: Target) -> httpx2.Request:
    """`sent` as it is to be sent to `target` after a redirect with `status`.

    The method follows RFC 9110: 303 makes everything but HEAD a GET, 301 and 302 only a POST, 307
    and 308 nothing. Raises HttpRefusedError where a body would go to another party.
    """
    method = _method(sent.method, status)
    body = sent.content if method == sent.method else b""
    same = is_same_party(here, target)
    if body and not same:
        raise HttpRefusedError(
            Code.REDIRECT_WITH_BODY,
            f"{here.shown} redirects to {target.shown}, which would get the body",
            hint="Send it there yourself, if it is meant for them.",
        )
    headers = [
        (name, value)
        for name, value in sent.headers.items()
        if (same or name in FOR_ANYBODY) and (body or name not in OF_THE_BODY)
        if name not in ("host", "content-length")
    ]
    return httpx2.Request(method, target.url, headers=headers, content=body or None)


def is_same_party(here: Target, target: Target) -> bool:
    """Whether both are one host and port, or the second is the first by TLS."""
    upgraded = ("https", here.host, 443)
    return target.origin == here.origin or (
        (here.scheme, here.port) == ("http", 80) and target.origin == upgraded
    )


def _method(method: str, status: int) -> str:
    if status == 303:
        return method if method == "HEAD" else "GET"
    return "GET" if method == "POST" and status in (301, 302) else method
