"""What goes wrong in the world when a test wants it to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from typing import Any

from oppspot_runner.testing.world.exchange import Reply, error_page

REDIRECT = 302


@dataclass(frozen=True)
class Fault:
    """What is wrong below `prefix`, `times` times; None = until the world is reset.

    `status`, `headers` and `body` take the place of the right ones. `delay_s` is waited before,
    `truncate` is after how many bytes the connection breaks, `drip` lets every byte take its time,
    and `redirect` sends the caller there.
    """

    prefix: str
    status: int | None = None
    times: int | None = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | bytes | None = None
    delay_s: float = 0.0
    truncate: int | None = None
    drip: bool = False
    redirect: str | None = None

    def __post_init__(self) -> None:
        if not self.prefix.startswith("/"):
            raise ValueError("a prefix begins with a slash")

    @classmethod
    def of(cls, given: Any) -> Fault:
        """The fault that a JSON object describes. Raises ValueError."""
        try:
            return cls(**given)
        except TypeError as error:
            raise ValueError(f"that describes no fault: {error}") from None

    @property
    def replaces(self) -> bool:
        """Whether the right answer is of no account."""
        return any(one is not None for one in (self.status, self.body, self.redirect))

    def apply(self, right: Reply) -> Reply:
        """The reply with what is wrong in it."""
        if self.redirect:
            right = Reply(self.status or REDIRECT, b"", {"Location": self.redirect})
        elif self.status is not None and self.body is None:
            right = _usual(self.status)
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return Reply(
            self.status or right.status,
            right.body if body is None else body,
            {**right.headers, **self.headers},
            self.drip or right.drip,
        )


def _usual(status: int) -> Reply:
    """What servers say with that status and nothing else to say."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    return error_page(status, phrase) if status >= 500 else Reply(status)


class Faults:
    """The faults that are still to happen, oldest first."""

    def __init__(self) -> None:
        self._left: list[tuple[Fault, int | None]] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        """Lets a fault happen from now on."""
        with self._lock:
            self._left.append((fault, fault.times))

    def take(self, path: str) -> Fault | None:
        """What is wrong with this request, if anything; then it has happened once more."""
        with self._lock:
            for place, (fault, left) in enumerate(self._left):
                if path.startswith(fault.prefix):
                    if left is not None:
                        self._left[place : place + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None

    def clear(self) -> None:
        """Nothing is wrong any more."""
        with self._lock:
            self._left.clear()
