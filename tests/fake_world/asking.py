"""Asks the world as any program would: with the standard library, without the product."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from oppspot_runner.testing.world import World
from oppspot_runner.testing.world.reddit import CLIENT_ID, CLIENT_SECRET
from oppspot_runner.testing.world.register_access import KEY

PATIENCE_S = 10.0


def basic(user: str, password: str = "") -> dict[str, str]:
    """Headers with a user and a password."""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


WITH_KEY = basic(KEY)
NAMED = {"User-Agent": "linux:tests:1.0"}


@dataclass(frozen=True)
class Got:
    """An answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(
    world: World,
    path: str,
    headers: Mapping[str, str] | None = None,
    *,
    post: Any = None,
    host: str | None = None,
) -> Got:
    """What the world says to one request; `post` is a form, or a JSON value for `/_...`."""
    connection = HTTPConnection("127.0.0.1", world.port, timeout=PATIENCE_S)
    body = None if post is None else post if isinstance(post, str) else json.dumps(post)
    method = "GET" if body is None else "POST"
    named = {"Host": f"{host}:{world.port}"} if host else {}
    try:
        connection.request(method, path, body, {**named, **(headers or {})})
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Got(answer.status, told, answer.read())
    finally:
        connection.close()


def register(world: World, path: str, **headers: str) -> Got:
    """What the register says to who has the key."""
    return ask(world, f"/ch/{path}", {**WITH_KEY, **headers})


def reddit_token(world: World) -> dict[str, str]:
    """Headers with a new token."""
    headers = {**basic(CLIENT_ID, CLIENT_SECRET), **NAMED}
    path = "/reddit/api/v1/access_token"
    got = ask(world, path, headers, post="grant_type=client_credentials")
    return {**NAMED, "Authorization": f"bearer {got.json['access_token']}"}
