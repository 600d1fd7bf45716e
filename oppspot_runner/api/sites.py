"""What a page of another site lets a browser do here, refused.

Browsers send cookies by themselves, and reach a server that wants no token by themselves too. A
program that sends its token in a header needs none of this.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request

from oppspot_runner.api.errors import ApiCode, ApiError

SAFE = {"GET", "HEAD", "OPTIONS"}
PROGRAMS = "/api/"  # below it are no forms
OWN_SITE = {"same-origin", "none"}  # none: the address bar
MOST_NAME = 300  # characters: 253, and a port
# Names that nobody can buy, so that no other site can let them lead here.
OUR_NAMES = (".localhost", ".local", ".internal", ".home.arpa", ".test")


def require_own_site(request: Request, *, said: bool) -> None:
    """Refuses a change that a page of another site asks for.

    `said`: whether it also has to say where it comes from, as all browsers do.
    """
    if request.method in SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        is_own = site in OWN_SITE
    elif origin is not None:
        place = _place(origin)
        is_own = bool(place) and place == request.headers.get("host", "").lower()
    else:
        is_own = not said
    if not is_own:
        raise ApiError(ApiCode.CROSS_SITE_REFUSED, "a page of another site asked for this")


def require_own_name(request: Request) -> None:
    """Refuses a request for a name that another site may have let lead to this machine."""
    given = request.headers.get("host", "")
    refused = _why_refused(given) if len(given) <= MOST_NAME else "no host has a name that long"
    if refused is not None:
        raise ApiError(ApiCode.CROSS_SITE_REFUSED, refused)


@lru_cache(64)
def _why_refused(given: str) -> str | None:
    try:
        host = urlsplit(f"//{given}").hostname or ""
    except ValueError:
        return f"{given!r} is no name of a host"
    if "." not in host.rstrip(".") or host.endswith(OUR_NAMES):
        return None
    try:
        ip_address(host)
    except ValueError:
        return (
            f"without tokens this server is not for {host!r}: use its address, or localhost; "
            "with tokens it has any name"
        )
    return None


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""  # no address, so none of ours


def csrf_of(token: str) -> str:
    """What forms of a session have to bring: only its own pages know it."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


async def require_own_form(request: Request, csrf: str) -> None:
    """Refuses a form that no page of this session made."""
    if request.method in SAFE or request.url.path.startswith(PROGRAMS):
        return
    await request.body()  # kept for the handler: reading a form alone would use it up
    given = (await request.form()).get("csrf")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), csrf.encode()):
        raise ApiError(
            ApiCode.CROSS_SITE_REFUSED, "the form is not of this session: load the page again"
        )
