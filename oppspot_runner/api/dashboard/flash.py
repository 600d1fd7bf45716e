"""What an action did, told on the page that comes after it, by a cookie that lives a minute."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Literal

from fastapi import Request
from fastapi.responses import Response

COOKIE = "oppspot_flash"
MOST_LETTERS = 600  # of a cookie, browsers keep 4 kB
LIVES_S = 60
Kind = Literal["done", "wrong"]


@dataclass(frozen=True)
class Flash:
    """A sentence about what was done, or why it was not."""

    kind: Kind
    text: str


def tell(response: Response, text: str, kind: Kind = "done") -> None:
    """Shows `text` on the next page."""
    packed = (
        base64.urlsafe_b64encode(json.dumps([kind, text[:MOST_LETTERS]]).encode())
        .decode()
        .rstrip("=")
    )
    response.set_cookie(COOKIE, packed, max_age=LIVES_S, httponly=True, samesite="strict")


def of(request: Request) -> Flash | None:
    """What the action before this page told."""
    try:
        packed = request.cookies[COOKIE]
        kind, text = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    except (KeyError, binascii.Error, ValueError, TypeError):
        return None
    return Flash("done" if kind == "done" else "wrong", str(text))


def forget(response: Response) -> None:
    """It was shown."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
