"""A stand-in for the outside world: answers by path, and what was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from oppspot_runner.agents.web import WebAccess
from oppspot_runner.base.errors import CallError
from oppspot_runner.base.web import Answer, Asked, Fetched, Parameter

SEEN_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Answering:
    """Answers what it was given, by path: JSON, bytes, an error, or a function of the parameters.

    What it was not given is not found. `cached` is what costs no request.
    """

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers = dict(answers or {})
        self.asked: list[tuple[str, Mapping[str, Parameter]]] = []
        self.cached: set[str] = set()

    def web(self, *sources: str) -> WebAccess:
        """The outside world of one attempt."""
        return WebAccess(self, frozenset(sources))

    @property
    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [path for path, _ in self.asked]

    async def fetch(self, asked: Asked) -> Fetched:
        source, path = asked.source or "web", asked.path
        made = {} if path in self.cached else {source: 1}
        self.asked.append((path, asked.params))
        answer = self.answers.get(path)
        if callable(answer):
            answer = answer(asked.params)
        if isinstance(answer, CallError):
            return Fetched(made, error=answer)
        if isinstance(answer, BaseException):
            raise answer
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        status = 404 if answer is None else 200
        url = f"https://{source}.test/{path}"
        return Fetched(made, Answer(source, url, status, {}, content, SEEN_AT))
