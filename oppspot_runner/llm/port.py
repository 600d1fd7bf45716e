"""What a provider of models has to offer. A fourth one is a class with these three methods."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from oppspot_runner.llm.messages import Chunk, ModelRequest, Reply


class Provider(Protocol):
    """Answers requests to models. It belongs to one event loop.

    Methods raise ModelError only. They never wait for a second try: that is up to the task.
    """

    async def ask(self, model: str, request: ModelRequest) -> Reply:
        """The whole answer."""
        ...

    def stream(
        self, model: str, request: ModelRequest
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The answer in pieces, and at last the whole of it. Leaving the context cuts it off."""
        ...

    async def close(self) -> None:
        """Gives connections back."""
        ...
