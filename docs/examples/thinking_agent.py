"""An agent that thinks: a row with a prompt, a model and a tool, and no code of its own.

It wants the extra `anthropic` and its key in ANTHROPIC_API_KEY. Its answers are steps, and none
is paid twice.
"""

import asyncio

from oppspot_runner import AsyncClient, start_task_runner, stop_task_runner

CLERK = {
    "model": "claude-haiku",
    "role": "clerk of a fruit shop",
    "instructions": "Answer in one sentence. Use the calculator for sums.",
    "tools": {"calculator": True},
    "limits": {"model_calls": 5, "cost_usd": 0.05},
}


async def main() -> None:
    await start_task_runner()
    async with AsyncClient() as client:
        row = await client.create_agent(agent_type="llm", name="Clerk", configuration=CLERK)
        task = await client.enqueue(row, {"input": "15 pears and 27 apples: how many?"})
        end = await client.wait(task)
    await stop_task_runner()
    print(end.status, end.output["response"] if end.output else end.error_message)


if __name__ == "__main__":
    asyncio.run(main())
