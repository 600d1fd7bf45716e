"""The class form: what it saves is there exactly once, in the transaction that ends the task."""

import asyncio
from typing import Any

from oppspot_runner import Agent, AsyncClient, Context, Fail, start_task_runner, stop_task_runner


class Invoice(Agent):
    agent_type = "invoice"  # registers it

    async def create_initial_state(self, ctx: Context) -> dict[str, Any]:
        return {"customer": ctx.payload["customer"], "cents": 100 * ctx.payload["hours"]}

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        if not state["cents"]:
            raise Fail("there is nothing to pay")  # an error that no retry would mend
        return state

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        await ctx.log.ainfo("saving", cents=results["cents"])
        await tx.execute(
            "CREATE TABLE IF NOT EXISTS invoices (task_id uuid, customer text, cents int)"
        )
        await tx.execute(
            "INSERT INTO invoices VALUES (%s, %s, %s)",
            (ctx.task.id, results["customer"], results["cents"]),
        )
        return True  # False, or an exception, would take both back


async def main() -> None:
    await start_task_runner()
    async with AsyncClient() as client:
        row = await client.create_agent(agent_type="invoice", name="Invoices")
        for hours in (3, 0):
            task = await client.enqueue(row, {"customer": "Quay Books", "hours": hours})
            end = await client.wait(task)
            print(end.status, end.output or end.error_message)
    await stop_task_runner()


if __name__ == "__main__":
    asyncio.run(main())
