"""What our port to models adds to a call, compared with the library behind it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from httpx2 import AsyncClient

from benchmarks.bench import Bench
from benchmarks.measure import Bound, Measure, Outcome
from benchmarks.rounds import compare
from oppspot_runner.base.settings import Settings
from oppspot_runner.llm.messages import ModelRequest, UserMessage
from oppspot_runner.llm.models import Models

MODEL = "gpt-6-luna"
ROUNDS = 9  # short ones: the median of their ratios is what counts
OURS, BARE = "ours: ms", "library: ms"
BODY = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "It is 42."},
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
    }
).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    + f"content-length: {len(BODY)}\r\n\r\n".encode()
    + BODY
)
Ask = Callable[[], Awaitable[object]]


def run(bench: Bench) -> Outcome:
    """Blocks of calls of a server on this machine, in turn by the port and by the library."""
    return asyncio.run(_measured(bench))


async def _measured(bench: Bench) -> Outcome:
    outcome = Outcome()
    async with _provider() as url, Models(_settings(url)) as models, AsyncClient() as client:
        turns = {OURS: _ours(models), BARE: _bare(url, client)}
        for ask in turns.values():
            await ask()
        for _ in range(ROUNDS):
            for name, ask in turns.items():
                outcome.samples.setdefault(name, []).append(await _ms(ask, bench.sizes.asked))
    outcome.figures = {name: min(values) for name, values in outcome.samples.items()}
    compare(outcome, "ours / library", OURS, BARE)
    return outcome


async def _ms(ask: Ask, count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        await ask()
    return (time.perf_counter() - began) / count * 1000


def _ours(models: Models) -> Ask:
    model = models.find(f"openai:{MODEL}")
    request = ModelRequest([UserMessage("What is 15 + 27?")], instructions="Be brief.")
    return lambda: model.ask(request)


def _bare(url: str, client: AsyncClient) -> Ask:
    from pydantic_ai import direct, messages
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(base_url=url, api_key="none", http_client=client)
    model = OpenAIChatModel(MODEL, provider=provider)
    parts = [messages.UserPromptPart("What is 15 + 27?")]
    history: list[messages.ModelMessage] = [messages.ModelRequest(parts, instructions="Be brief.")]
    return lambda: direct.model_request(model, history)


def _settings(url: str) -> Settings:
    return Settings(_env_file=None, openai_api_key="none", openai_base_url=url)


@asynccontextmanager
async def _provider() -> AsyncIterator[str]:
    """A server that gives everybody the same answer; its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().lower().split("\r\n")
                lengths = [line for line in lines if line.startswith("content-length:")]
                await reader.readexactly(int(lengths[0].partition(":")[2]))
                writer.write(ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


MEASURE = Measure(
    "port-overhead",
    "one call of a model on this machine, by our port and by the library behind it",
    run,
    (Bound("ours / library", at_most=1.3),),
)
