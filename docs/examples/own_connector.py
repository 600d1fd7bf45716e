"""A connector of your own: a class that knows the words of one service, and an agent that asks it.

Every request goes through the runner's layer: limits, tries, cache, robots.txt and addresses that
nobody may reach are its business. Needs the extra `http`. The service is the feed at PRESS_URL.
"""

import asyncio
import os
import re
from dataclasses import dataclass
from html import unescape

from oppspot_runner import (
    AsyncClient,
    Context,
    SourceError,
    agent,
    start_task_runner,
    stop_task_runner,
)


@dataclass
class Press:
    """The news of a company, from its feed."""

    ctx: Context
    url: str

    async def titles(self, most: int) -> list[str]:
        """The newest titles. Raises SourceError where the site cannot be read."""
        answer = await self.ctx.http.page(self.url)
        found = re.findall(r"<item>\s*<title>([^<]*)</title>", answer.text)
        return [unescape(title) for title in found[:most]]


@agent("press_review")
async def press_review(ctx: Context) -> dict[str, object]:
    try:
        titles = await Press(ctx, ctx.payload["url"]).titles(most=2)
    except SourceError as error:
        return {"error": f"{error.code}: {error.one_line()}", "retry": error.retried}
    return {"titles": titles, "requests": sum(ctx.http.requests.values())}


async def main() -> None:
    await start_task_runner()
    async with AsyncClient() as client:
        row = await client.create_agent(agent_type="press_review", name="Press review")
        end = await client.wait(await client.enqueue(row, {"url": os.environ["PRESS_URL"]}))
    await stop_task_runner()
    print(end.status, end.output or end.error_message)


if __name__ == "__main__":
    asyncio.run(main())
