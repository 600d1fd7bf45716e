"""What the contract server answers, and what it understood, without the form of any provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

SIGNATURE = "c2lnbmVkIGJ5IHRoZSBwcm92aWRlcg=="
KEY = "sk-a-key-that-nobody-may-see-0123456789"


@dataclass(frozen=True)
class Call:
    """The model calls a tool. `broken` arguments are no JSON."""

    id: str
    name: str
    arguments: dict[str, Any]
    broken: bool = False


@dataclass(frozen=True)
class Answer:
    """An answer. `input` counts all tokens in, `cached` and `cache_written` among them.

    `signed`: with thoughts, which the provider has signed and wants back. A stream is `cut` after
    its first words: hard, or politely, as a proxy does.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    input: int = 100
    output: int = 20
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0
    stop: Literal["end", "tools", "length", "filtered"] = "end"
    signed: bool = False
    cut: Literal["hard", "politely"] | None = None

    def pieces(self) -> Iterator[str]:
        """The text in pieces of seven characters."""
        for start in range(0, len(self.text), 7):
            yield self.text[start : start + 7]


@dataclass(frozen=True)
class Fault:
    """An error, in the words of the provider. `in_stream`: after the stream has begun."""

    kind: str
    retry_after: str | None = None
    in_stream: bool = False


@dataclass(frozen=True)
class Raw:
    """A status and a body as they are."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Silence:
    """No answer at all; in a stream none after the first words."""


Turn = Answer | Fault | Raw | Silence


@dataclass
class Asked:
    """A request, as the server understood it. Turns are (role, text or content, calls or name)."""

    model: str
    key: str | None
    instructions: str
    turns: list[tuple[str, Any, Any]]
    tools: list[tuple[str, str, dict[str, Any]]]
    temperature: float | None
    max_tokens: int | None
    schema: dict[str, Any] | None
    stream: bool
    signatures: list[str] = field(default_factory=list)
    cache_asked: bool = False


class Wire(Protocol):
    """The form in which one provider speaks."""

    prefix: str
    model: str
    base_path: str

    def understand(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Asked:
        """What is asked. An AssertionError says what is wrong with the form."""
        ...

    def answer(self, answer: Answer, model: str) -> dict[str, Any]:
        """The body of a whole answer."""
        ...

    def events(self, answer: Answer, model: str) -> Iterator[bytes]:
        """The events of a stream; the first words are in the first three of them."""
        ...

    def fault(self, kind: str) -> tuple[int, dict[str, Any]]:
        """Status and body of an error."""
        ...

    def fault_in_stream(self, kind: str) -> bytes:
        """The event of an error."""
        ...
