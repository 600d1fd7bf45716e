"""Errors as pages, for those who look at pages; programs get them as JSON."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from oppspot_runner.api.access import token_of
from oppspot_runner.api.dashboard import flash
from oppspot_runner.api.dashboard.rendering import here, page, root_of
from oppspot_runner.api.errors import answer, answer_to

HEADINGS = {
    403: "Not allowed",
    404: "Not there",
    422: "Not understood",
    429: "Too many requests",
    500: "That is our fault",
    503: "Not now",
}
PROGRAMS = ("/api/", "/metrics", "/healthz", "/readyz", "/openapi.json", "/static/")


async def show(request: Request, error: Exception) -> Response:
    """The error as a page; whoever has to log in is led there."""
    if request.url.path.startswith(PROGRAMS) or "text/html" not in request.headers.get(
        "accept", ""
    ):
        return await answer(request, error)
    status, body, headers = answer_to(error)
    if status == 401:
        return _to_log_in(request, body["error"])
    heading = HEADINGS.get(status, "Not done")
    shown = page(
        request,
        "error",
        status,
        heading=heading,
        error=body["error"],
        status=status,
        passes="Retry-After" in headers,
        back=getattr(request.state, "back", None),  # the page of the form that was sent
    )
    shown.headers.update(headers)
    return shown


def _to_log_in(request: Request, error: str) -> Response:
    """Leads to the login, and from there back to where he was."""
    is_form = request.method == "POST"
    wanted = getattr(request.state, "back", "") if is_form else here(request)
    response = RedirectResponse(f"{root_of(request)}login?next={quote(wanted, safe='')}", 303)
    why = error if token_of(request) else "you are logged out"
    if is_form:
        flash.tell(response, f"Nothing was done: {why}", "wrong")
    elif token_of(request):
        flash.tell(response, why, "wrong")
    return response
