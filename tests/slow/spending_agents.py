"""An agent that asks until its money is gone, of a model that takes its time; for --import."""

from __future__ import annotations

import asyncio
import random

from oppspot_runner import Context, agent
from oppspot_runner.llm.messages import ModelRequest, Reply, UserMessage
from oppspot_runner.llm.mock import MockProvider

REQUEST = ModelRequest([UserMessage("w" * 80)], max_tokens=80)  # 20 tokens in, 20 out
PRICES = 'version = "t"\n[models."mock:echo"]\ninput = 100\noutput = 100\n'
at_once = MockProvider.ask


async def slowly(self: MockProvider, model: str, request: ModelRequest) -> Reply:
    """Answers after some time, as models do."""
    await asyncio.sleep(random.uniform(0.1, 0.3))
    return await at_once(self, model, request)


MockProvider.ask = slowly  # type: ignore[method-assign]


@agent("spender")
async def spender(ctx: Context) -> None:
    """Ends by the end of the budget."""
    while True:
        await ctx.llm.ask(REQUEST, model="mock:echo")
