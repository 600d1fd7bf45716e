"""A graph: two agents run at the same time after the first, and the last one gets what all said.

read -> count  -> report
     -> longest
"""

import asyncio
from typing import Any

from oppspot_runner import AsyncClient, Context, agent, start_task_runner, stop_task_runner


@agent("read")
async def read(ctx: Context) -> dict[str, Any]:
    return {"words": ctx.payload["text"].split()}


@agent("count")
async def count(ctx: Context) -> dict[str, int]:
    (before,) = ctx.upstream.values()  # the outputs of those that it depends on, by id
    return {"words": len(before["words"])}


@agent("longest")
async def longest(ctx: Context) -> dict[str, str]:
    (before,) = ctx.upstream.values()
    return {"longest": max(before["words"], key=len)}


@agent("report")
async def report(ctx: Context) -> dict[str, Any]:
    return {key: value for before in ctx.upstream.values() for key, value in before.items()}


async def main() -> None:
    await start_task_runner()
    async with AsyncClient() as client:
        stream = await client.create_stream("Texts")
        row = {
            kind: await client.create_agent(agent_type=kind, name=f"{kind} of a text")
            for kind in ("read", "count", "longest", "report")
        }
        after = {
            "read": (),
            "count": ("read",),
            "longest": ("read",),
            "report": ("count", "longest"),
        }
        await client.assign_agents_to_stream(
            stream,
            [
                {"agent_id": row[kind], "depends_on_agent_ids": [row[one] for one in before]}
                for kind, before in after.items()
            ],
        )
        run = await client.run_stream(stream, {"text": "nothing committed is lost"})
        async for event in client.follow(run):
            if event.is_last:
                print(event.type, event.data["results"][str(row["report"])])
    await stop_task_runner()


if __name__ == "__main__":
    asyncio.run(main())
