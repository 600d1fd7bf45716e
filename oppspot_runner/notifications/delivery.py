"""The agent of the tasks that deliver notifications."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.function import agent
from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.settings import load_settings
from oppspot_runner.base.task import NOTIFICATION
from oppspot_runner.notifications.channels import LIMIT_S, Delivery, deliver

MAX_RETRIES = 8  # over about three hours


@agent(
    NOTIFICATION,
    time_limit=timedelta(seconds=LIMIT_S),
    max_retries=MAX_RETRIES,
    backoff=Backoff(first_s=10, factor=3, most_s=3600),
    breaker=False,
)
async def notification(ctx: Context, input: Delivery) -> dict[str, Any]:
    """Delivers a message; settings are those of the moment."""
    return await deliver(input, load_settings())
