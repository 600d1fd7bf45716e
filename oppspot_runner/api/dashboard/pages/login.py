"""Log in and out: a token in a cookie that scripts do not see and other sites do not send."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from oppspot_runner.api.access import COOKIE, actor_of, holder_of
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.sites import require_own_site

router = Routes(include_in_schema=False, default_response_class=HTMLResponse)

MOST_TOKEN = 500
MOST_PLACE = 2000


@router.get("/login")
async def ask(request: Request, next: str = "") -> Response:
    """The form. `next` is where to go then, from the root."""
    return page(request, "login", next=next[:MOST_PLACE], error=None)


@router.post("/login")
async def log_in(
    request: Request,
    token: Annotated[str, Form(max_length=MOST_TOKEN)],
    next: Annotated[str, Form(max_length=MOST_PLACE)] = "",
) -> Response:
    """Takes a token, and goes on to `next`."""
    require_own_site(request, said=False)
    try:
        await holder_of(request, token.strip())
    except ApiError as error:
        if error.code not in (ApiCode.UNAUTHENTICATED, ApiCode.RATE_LIMIT_EXCEEDED):
            raise
        return page(request, "login", error.code.status, next=next, error=str(error))
    # Below the root whatever it says, so that nobody is led elsewhere.
    answer = RedirectResponse(f"./{next.lstrip('/')}", 303)
    answer.set_cookie(
        COOKIE,
        token.strip(),
        path=_place(request),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """Forgets the token in this browser; it stays good elsewhere."""
    await actor_of(request)
    answer = RedirectResponse("./login", 303)
    answer.delete_cookie(COOKIE, path=_place(request), httponly=True, samesite="strict")
    return answer


def _place(request: Request) -> str:
    return f"{request.scope.get('root_path', '')}/"
