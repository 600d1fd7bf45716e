"""`slack`: posts a message, as the app whose token is in the settings, or by a webhook."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.jsonsafe import clean_text
from oppspot_runner.base.secret import read_secret
from oppspot_runner.base.tool_errors import ToolExecutionError, ToolRateLimitError
from oppspot_runner.connectors.http.client import HttpResponse
from oppspot_runner.connectors.http.domains import AllowedDomains
from oppspot_runner.connectors.http.outgoing import Outgoing
from oppspot_runner.connectors.http.target import read_target
from oppspot_runner.tools.tool_base import ToolBase, ToolCall

MOST_TEXT = 40_000  # characters; what Slack takes
MOST_SAID = 200
PAUSE_S = 60.0  # where Slack does not say how long to wait


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
            url = f"{call.settings.slack_api.rstrip('/')}/chat.postMessage"
            answer = await self._send(call, url, message, {"Authorization": f"Bearer {token}"})
            return self._posted(answer)
        webhook = self._secret(call.settings.slack_webhook_url, "the webhook of Slack")
        if webhook is None:
            raise self._not_configured(
                "there is neither a token nor a webhook of Slack",
                "Set OPPSPOT_SLACK_TOKEN, or OPPSPOT_SLACK_WEBHOOK_URL.",
            )
        answer = await self._send(call, webhook, message, {})
        if answer.status != 200:
            raise self._refused(answer.text)
        return {"channel": None, "ts": None}

    async def _send(
        self, call: ToolCall, url: str, message: dict[str, Any], headers: dict[str, str]
    ) -> HttpResponse:
        # The operator says where Slack is; which domains the caller may reach is another matter.
        http = call.http.within(AllowedDomains(read_target(url).host))
        answer = await http.send(
            Outgoing("POST", url, headers=headers, json=message, follow_redirects=False)
        )
        if answer.status == 429:
            raise ToolRateLimitError(self.name, _pause_s(answer))
        if answer.status >= 500:
            raise ToolExecutionError(
                self.name, Code.SERVICE_UNAVAILABLE, f"Slack answered {answer.status}"
            )
        return answer

    def _posted(self, answer: HttpResponse) -> dict[str, Any]:
        try:
            told = answer.json()
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise ToolExecutionError(
                self.name, Code.RESPONSE_BROKEN, f"Slack answered {answer.status} without JSON"
            )
        if told.get("ok") is not True:
            raise self._refused(str(told.get("error")))
        return {"channel": told.get("channel"), "ts": told.get("ts")}

    def _secret(self, written: SecretStr | None, what: str) -> str | None:
        try:
            return read_secret(written.get_secret_value(), what) if written else None
        except ConfigurationError as error:
            raise self._not_configured(str(error), error.hint) from None

    def _refused(self, said: str) -> ToolExecutionError:
        shown = clean_text(said, most=MOST_SAID)
        return ToolExecutionError(self.name, Code.SERVICE_REFUSED, f"Slack answered {shown!r}")

    def _not_configured(self, why: str, hint: str | None) -> ToolExecutionError:
        return ToolExecutionError(self.name, Code.SERVICE_NOT_CONFIGURED, why, hint=hint)


def _pause_s(answer: HttpResponse) -> float:
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isdecimal() and len(told) < 6 else PAUSE_S
