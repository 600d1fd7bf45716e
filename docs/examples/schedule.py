"""A schedule: the agent's row says when. Each due time fires once, with any number of runners."""

import asyncio

from oppspot_runner import (
    AsyncClient,
    Context,
    TaskFinished,
    agent,
    on,
    start_task_runner,
    stop_task_runner,
)

fired = asyncio.Event()


@agent("morning_report")
async def morning_report(ctx: Context) -> dict[str, str]:
    return {"asked_by": ctx.task.requested_by or "nobody"}


@on(TaskFinished)
def tell(event: TaskFinished) -> None:
    print(event.task.agent_type, event.status, event.task.requested_by)
    fired.set()


async def main() -> None:
    await start_task_runner()
    async with AsyncClient() as client:
        row = await client.create_agent(
            agent_type="morning_report",
            name="Morning report",
            schedule_cron="0 9 * * 1-5",  # at nine from Monday to Friday
            schedule_timezone="Europe/London",  # also on the days on which clocks change
        )
        await client.update_agent(row, schedule_cron="* * * * * *")  # to see it now: each second
        await fired.wait()
        await client.update_agent(row, schedule_cron="")
    await stop_task_runner()


if __name__ == "__main__":
    asyncio.run(main())
