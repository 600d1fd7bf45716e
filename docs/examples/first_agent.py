"""The smallest agent: a function, with its input checked before it runs."""

import asyncio

from pydantic import BaseModel

from oppspot_runner import AsyncClient, Context, agent, start_task_runner, stop_task_runner


class Greeting(BaseModel):
    name: str
    times: int = 1


@agent("greeter")
async def greeter(ctx: Context, input: Greeting) -> dict[str, str]:
    return {"said": " ".join([f"Hello {input.name}!"] * input.times)}


async def main() -> None:
    await start_task_runner()
    async with AsyncClient() as client:
        row = await client.create_agent(agent_type="greeter", name="Greeter")
        good = await client.wait(await client.enqueue(row, {"name": "Ada", "times": 2}))
        bad = await client.wait(await client.enqueue(row, {"times": 2}))
    await stop_task_runner()
    print(good.status, good.output)
    print(bad.status, bad.error_message)


if __name__ == "__main__":
    asyncio.run(main())
