"""The agent of the tasks that deliver notifications."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.function import agent
from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.errors import Retry
from oppspot_runner.base.settings import load_settings
from oppspot_runner.base.task import NOTIFICATION
from oppspot_runner.base.tool_errors import CodedError
from oppspot_runner.notifications.channels import LIMIT_S, Delivery, deliver

MAX_RETRIES = 8  # over about three hours
BACKOFF = Backoff(first_s=10, factor=3, most_s=3600)


@agent(
    NOTIFICATION,
    time_limit=timedelta(seconds=LIMIT_S),
    max_retries=MAX_RETRIES,
    backoff=BACKOFF,
    breaker=False,
)
async def notification(ctx: Context, input: Delivery) -> dict[str, Any]:
    """Delivers a message; settings are those of the moment.

    A channel that asks for a pause gets it, up to the longest back-off. It uses a retry all the
    same: a snooze would use none, and nobody would hear of a channel that asks for ever.
    """
    try:
        return await deliver(input, load_settings())
    except CodedError as error:
        if error.retry_after_s is None:
            raise
        asked_s = min(error.retry_after_s, BACKOFF.most_s)
        pause_s = max(asked_s, BACKOFF.delay_s(ctx.task.retry_count))
        raise Retry(f"{error.code}: {error.one_line()}", after=pause_s) from None
