"""A request to the world and its reply, as the sources of the world see them."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, unquote


@dataclass(frozen=True)
class Seen:
    """A request as it is in the log. `path` begins with the prefix of what was asked."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    at: datetime


@dataclass(frozen=True)
class Request:
    """A request to one source: `path` is below its prefix, header names are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def parts(self) -> list[str]:
        """The path in its parts."""
        return [unquote(part) for part in self.path.strip("/").split("/")]

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters that have a value; of several with one name the last."""
        return _last(parse_qs(self.query))

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a form in the body."""
        return _last(parse_qs(self.body.decode("utf-8", "replace")))

    def listed(self, name: str) -> list[str]:
        """The values of a parameter that are given with commas between them."""
        return [one for one in self.parameters.get(name, "").split(",") if one]

    def whole(self, name: str, default: int, most: int) -> int:
        """A parameter that is a whole number, at most `most`. Raises ValueError for another."""
        value = int(self.parameters.get(name, default))
        if value < 0:
            raise ValueError(name)
        return min(value, most)

    def credentials(self) -> tuple[str, str] | None:
        """User and password of Basic authentication, None for what is none."""
        kind, _, given = self.headers.get("authorization", "").partition(" ")
        try:
            user, colon, password = b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            return None
        return (user, password) if kind.lower() == "basic" and colon else None


@dataclass(frozen=True)
class Reply:
    """What is answered. `drip`: byte by byte, as slowly as a client bears it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: bool = False


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply with JSON in it."""
    kind = {"Content-Type": "application/json"}
    return Reply(status, json.dumps(value).encode(), {**kind, **(headers or {})})


def error_page(status: int, phrase: str) -> Reply:
    """The page of a server that stands before the one that is asked."""
    text = (
        f"<html>\r\n<head><title>{status} {phrase}</title></head>\r\n"
        f"<body>\r\n<center><h1>{status} {phrase}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return Reply(status, text.encode(), {"Content-Type": "text/html"})


def with_etag(reply: Reply, request: Request) -> Reply:
    """The reply with a mark of its content, or 304 where the client has the content already."""
    etag = f'"{digest(reply.body)}"'
    headers = {**reply.headers, "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Reply(304, b"", headers)
    return Reply(reply.status, reply.body, headers, reply.drip)


def digest(content: bytes | str) -> str:
    """Letters and digits that stand for the content."""
    return sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:40]


def _last(values: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: given[-1] for name, given in values.items()}
