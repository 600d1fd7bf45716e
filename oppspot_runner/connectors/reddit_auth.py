"""How Reddit knows an application: by a token that it gives for an id and a secret."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable, Mapping

from pydantic import BaseModel, Field

from oppspot_runner.base.errors import AccessDeniedError
from oppspot_runner.connectors.authentication import Send
from oppspot_runner.connectors.drift import whole

EARLY_S = 60.0  # before its end a token is renewed


class Token(BaseModel):
    """What the token service answers."""

    access_token: str = Field(min_length=1)
    expires_in: float = Field(gt=0)


class RedditAuth:
    """The client credentials of an application. A token is kept until shortly before its end."""

    def __init__(
        self,
        client_id: str,
        secret: str,
        user_agent: str,
        token_url: str,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        pair = f"{client_id}:{secret}".encode()
        self._credentials = "Basic " + b64encode(pair).decode()
        self._user_agent = {"user-agent": user_agent}
        self._token_url = token_url
        self._seconds = seconds
        self._token = ""
        self._ends_at = 0.0
        self._turn = asyncio.Lock()

    async def headers(self, send: Send) -> Mapping[str, str]:
        """The token, which is fetched once for all who ask meanwhile.

        Raises AccessDeniedError where Reddit does not know the application, and what `send` raises.
        """
        async with self._turn:
            if self._seconds() >= self._ends_at - EARLY_S:
                await self._fetch(send)
        return {**self._user_agent, "authorization": f"Bearer {self._token}"}

    def forget(self) -> None:
        """The next call fetches another token."""
        self._ends_at = 0.0

    async def _fetch(self, send: Send) -> None:
        answer = await send(
            self._token_url,
            form={"grant_type": "client_credentials"},
            headers={**self._user_agent, "authorization": self._credentials},
        )
        if not answer.found:
            raise AccessDeniedError(
                "reddit gives no tokens at that address",
                source=answer.source,
                status=answer.status,
                hint="Look at OPPSPOT_REDDIT_TOKEN_URL.",
            )
        token = whole(Token, answer)
        self._token, self._ends_at = token.access_token, self._seconds() + token.expires_in
