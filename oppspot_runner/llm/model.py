"""One model to ask: its provider, and around it what holds for all providers alike."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from oppspot_runner.llm.errors import OutputSchemaError
from oppspot_runner.llm.messages import Chunk, ModelRequest, Reply
from oppspot_runner.llm.names import ModelName
from oppspot_runner.llm.port import Provider
from oppspot_runner.llm.prices import PriceList
from oppspot_runner.llm.schema import check_schema, parsed_output


@dataclass(frozen=True)
class LanguageModel:
    """A model that can be asked, any number of times at once. `Models.find` makes one.

    What `ask` and `stream` raise is a ModelError, or ConfigurationError for an output schema that
    is none; nothing is tried twice in here.
    """

    name: ModelName
    provider: Provider
    prices: PriceList

    async def ask(self, request: ModelRequest) -> Reply:
        """The whole answer, with its cost, and its output where a schema was asked for."""
        _check(request)
        return self._completed(request, await self.provider.ask(self.name.model, request))

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The answer in pieces, the last of which is the Reply that `ask` would have given.

        Whoever leaves the context earlier cuts the answer off.
        """
        _check(request)
        async with (
            self.provider.stream(self.name.model, request) as chunks,
            aclosing(self._completing(request, chunks)) as completed,
        ):
            yield completed

    async def _completing(
        self, request: ModelRequest, chunks: AsyncIterator[Chunk]
    ) -> AsyncGenerator[Chunk, None]:
        async for chunk in chunks:
            yield self._completed(request, chunk) if isinstance(chunk, Reply) else chunk

    def _completed(self, request: ModelRequest, reply: Reply) -> Reply:
        cost = self.prices.cost(self.name, reply.usage)
        reply = replace(reply, cost=cost, price_list=self.prices.version)
        if request.output_schema is None or reply.stop != "end":
            return reply
        try:
            return replace(reply, output=parsed_output(reply.text, request.output_schema))
        except OutputSchemaError as error:
            error.reply, error.usage = reply, reply.usage
            raise


def _check(request: ModelRequest) -> None:
    if request.output_schema is not None:
        check_schema(request.output_schema)
