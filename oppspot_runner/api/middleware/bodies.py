"""Bodies of requests have a limit, also those that do not say how long they are."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oppspot_runner.api.access import LOGIN_LIMIT

LOGIN = "/login"


class BodyLimit:
    """Refuses requests whose body has more than `limit` bytes; fewer where one logs in."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        limit = min(self.limit, LOGIN_LIMIT) if scope["path"].endswith(LOGIN) else self.limit
        headers = scope["headers"]
        said = next((value for name, value in headers if name == b"content-length"), b"0")
        if said.isdigit() and int(said[:20]) > limit:
            raise _too_large(limit)
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise _too_large(limit)
            return message

        await self.app(scope, counted, send)


def _too_large(limit: int) -> HTTPException:
    # One of the framework, which lets it through where it reads bodies.
    ours = "" if limit == LOGIN_LIMIT else ", the limit of OPPSPOT_HTTP_BODY_LIMIT"
    return HTTPException(413, f"the body has more than {limit} bytes{ours}")
