"""One message of a rule, sent at once to see whether it arrives. It says that it is a test."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from oppspot_runner.base.codes import Code
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.tool_errors import CodedError
from oppspot_runner.notifications.bundle import Bundle
from oppspot_runner.notifications.channels import LIMIT_S, Delivery, deliver
from oppspot_runner.notifications.message import message
from oppspot_runner.notifications.rules import Happening

SAMPLE = {
    "task": "00000000-0000-0000-0000-000000000000",
    "run": "00000000-0000-0000-0000-000000000000",
    "stream_id": "00000000-0000-0000-0000-000000000000",
    "company_id": "00000000-0000-0000-0000-000000000000",
    "agent": "nobody",
    "error": "this is a test: nothing happened",
}


async def send_test(rule: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Sends a message of `rule`, a row of notifications/rules, from this process.

    Returns what the channel told. Raises CodedError, also when it takes too long.
    """
    now = datetime.now(UTC)
    bundle = Bundle(now, now)
    bundle.add(Happening(rule["event"], now, None, SAMPLE))
    told = message(rule["name"], rule["event"], bundle)
    delivery = Delivery(
        notification=uuid4(),
        channel=rule["channel"],
        target=rule["target"],
        secret=rule["secret"],
        subject=f"Test: {told.subject}",
        text=f"This is a test: nothing happened.\n\n{told.text}",
        data={**told.data, "test": True},
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            return await deliver(delivery, settings)
    except TimeoutError:
        raise CodedError(
            Code.HTTP_TIMEOUT, f"{rule['channel']} did not take it within {LIMIT_S:g} s"
        ) from None
