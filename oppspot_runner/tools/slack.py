"""`slack`: posts a message, as the app whose token is in the settings, or by a webhook."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.secret import read_secret
from oppspot_runner.base.tool_errors import CodedError, ToolExecutionError, ToolRateLimitError
from oppspot_runner.connectors.slack import MOST_TEXT, post, post_by_webhook
from oppspot_runner.tools.tool_base import ToolBase, ToolCall

R = TypeVar("R")


class SlackMessage(BaseModel):
    """What to post, and where."""

    model_config = ConfigDict(extra="forbid")

    channel: str = Field(min_length=1, max_length=255, description="Name or id of the channel.")
    text: str = Field(min_length=1, max_length=MOST_TEXT)
    thread_ts: str | None = Field(
        None, max_length=50, description="The `ts` of a message, to answer it in its thread."
    )


class SlackTool(ToolBase):
    """Posts one message."""

    def __init__(self) -> None:
        super().__init__("slack", "Posts a message to Slack.", SlackMessage, repeatable=False)

    async def run(self, arguments: SlackMessage, call: ToolCall) -> dict[str, Any]:
        """`{"channel", "ts"}`; by a webhook, which does not tell, both are null."""
        message = arguments.model_dump(exclude_none=True)
        if call.key is not None:
            message["client_msg_id"] = call.key
        token = self._secret(call.settings.slack_token, "the token of Slack")
        if token is not None:
            return await self._told(post(call.http, call.settings.slack_api, token, message))
        webhook = self._secret(call.settings.slack_webhook_url, "the webhook of Slack")
        if webhook is None:
            raise self._not_configured(
                "there is neither a token nor a webhook of Slack",
                "Set OPPSPOT_SLACK_TOKEN, or OPPSPOT_SLACK_WEBHOOK_URL.",
            )
        await self._told(post_by_webhook(call.http, webhook, message))
        return {"channel": None, "ts": None}

    async def _told(self, posting: Awaitable[R]) -> R:
        try:
            return await posting
        except CodedError as error:
            if error.retry_after_s is None:
                raise
            raise ToolRateLimitError(self.name, error.retry_after_s) from None

    def _secret(self, written: SecretStr | None, what: str) -> str | None:
        try:
            return read_secret(written.get_secret_value(), what) if written else None
        except ConfigurationError as error:
            raise self._not_configured(str(error), error.hint) from None

    def _not_configured(self, why: str, hint: str | None) -> ToolExecutionError:
        return ToolExecutionError(self.name, Code.SERVICE_NOT_CONFIGURED, why, hint=hint)
