"""Finds models by their names, and keeps the connections to their providers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import structlog
from pydantic import SecretStr

from oppspot_runner.base.settings import Settings
from oppspot_runner.llm.access import Access, access_to
from oppspot_runner.llm.errors import ProviderNotInstalledError
from oppspot_runner.llm.messages import Chunk, ModelRequest, Reply
from oppspot_runner.llm.mock import MockProvider
from oppspot_runner.llm.model import LanguageModel
from oppspot_runner.llm.names import ModelTable
from oppspot_runner.llm.port import Provider
from oppspot_runner.llm.prices import PriceList

log = structlog.get_logger(__name__)


class Models:
    """The models that the settings give access to. An async context manager, for one event loop.

    Raises ConfigurationError when a file of names or prices cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.names = ModelTable.load(settings.llm_models)
        self.prices = PriceList.load(settings.llm_prices)
        self._providers: dict[Access, LateProvider] = {}
        self._warned: set[str] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def find(
        self, name: str, *, api_key: SecretStr | None = None, script: Sequence[Any] = ()
    ) -> LanguageModel:
        """The model of that name; `script` is for mock:script.

        `api_key` is used instead of the one of the settings. Raises UnknownModelError and
        ApiKeyMissingError. Whether the provider is installed is seen at the first call.
        """
        found = self.names.find(name)
        if found.warning and name not in self._warned:
            self._warned.add(name)
            log.warning("model_retired", model=name, why=found.warning)
        if found.provider == "mock":
            return LanguageModel(found, MockProvider(script), self.prices)
        access = access_to(found.provider, self.settings, api_key)
        provider = self._providers.setdefault(access, LateProvider(access))
        return LanguageModel(found, provider, self.prices)

    async def close(self) -> None:
        """Gives the connections to providers back. Models that are found meanwhile get new ones."""
        providers, self._providers = self._providers, {}
        for provider in providers.values():
            await provider.close()


class LateProvider:
    """A provider whose library is loaded at the first call, in a thread: that takes seconds."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._turn = asyncio.Lock()
        self._connected: Provider | None = None

    async def ask(self, model: str, request: ModelRequest) -> Reply:
        """The answer of the provider."""
        return await (await self._provider()).ask(model, request)

    @asynccontextmanager
    async def stream(
        self, model: str, request: ModelRequest
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The answer of the provider, in pieces."""
        async with (await self._provider()).stream(model, request) as chunks:
            yield chunks

    async def close(self) -> None:
        """Gives the connections of the provider back, where there are any."""
        if self._connected is not None:
            await self._connected.close()

    async def _provider(self) -> Provider:
        async with self._turn:
            if self._connected is None:
                self._connected = await asyncio.to_thread(_connect, self.access)
            return self._connected


def _connect(access: Access) -> Provider:
    try:
        from oppspot_runner.llm.providers import connect  # here, because it loads a large library

        return connect(access)
    except ImportError as error:
        raise ProviderNotInstalledError(
            f"the library for {access.provider} is not installed: there is no {error.name}",
            hint=f"pip install 'oppspot-runner[{access.provider}]'",
        ) from None
