"""A tool of your own: a function for agents and models, with a schema made from its types."""

import asyncio

from oppspot_runner import (
    AsyncClient,
    Context,
    ToolExecutionError,
    agent,
    start_task_runner,
    stop_task_runner,
    tool,
)

PRICES = {"apple": 30, "pear": 45}


@tool("price_of", time_limit_s=5)
def price_of(fruit: str, pieces: int = 1) -> dict[str, int]:
    """Says what so many pieces of a fruit cost, in cents."""
    return {"cents": PRICES[fruit] * pieces}


@agent("cashier")
async def cashier(ctx: Context) -> dict[str, object]:
    try:
        price = await ctx.tools.result("price_of", ctx.payload)
    except ToolExecutionError as error:
        return {"error": error.one_line(), "retry": False}
    return {"to_pay": price["cents"]}


async def main() -> None:
    await start_task_runner()
    async with AsyncClient() as client:
        row = await client.create_agent(
            agent_type="cashier", name="Cashier", configuration={"tools": ["price_of"]}
        )
        for order in ({"fruit": "pear", "pieces": 4}, {"fruit": "pear", "pieces": "some"}):
            end = await client.wait(await client.enqueue(row, order))
            print(end.status, end.output or end.error_message)
    await stop_task_runner()


if __name__ == "__main__":
    asyncio.run(main())
