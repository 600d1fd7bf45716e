"""Posts a message to Slack: as an app with a token, or by an incoming webhook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oppspot_runner.base.codes import Code
from oppspot_runner.base.jsonsafe import clean_text
from oppspot_runner.base.tool_errors import CodedError
from oppspot_runner.connectors.http.client import GuardedClient, HttpResponse
from oppspot_runner.connectors.http.domains import AllowedDomains
from oppspot_runner.connectors.http.outgoing import Outgoing
from oppspot_runner.connectors.http.target import read_target

MOST_TEXT = 40_000  # characters; what Slack takes
MOST_SAID = 200
PAUSE_S = 60.0  # where Slack does not say how long to wait


async def post(
    http: GuardedClient, api: str, token: str, message: Mapping[str, Any]
) -> dict[str, Any]:
    """`{"channel", "ts"}` of the message, posted by chat.postMessage. Raises CodedError."""
    url = f"{api.rstrip('/')}/chat.postMessage"
    answer = await _send(http, url, message, {"Authorization": f"Bearer {token}"})
    try:
        told = answer.json()
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise CodedError(Code.RESPONSE_BROKEN, f"Slack answered {answer.status} without JSON")
    if told.get("ok") is not True:
        raise _refused(str(told.get("error")))
    return {"channel": told.get("channel"), "ts": told.get("ts")}


async def post_by_webhook(http: GuardedClient, webhook: str, message: Mapping[str, Any]) -> None:
    """Posts to the webhook's own channel. Raises CodedError, never with the address."""
    answer = await _send(http, webhook, message, {})
    if answer.status != 200:
        raise _refused(answer.text)


async def _send(
    http: GuardedClient, url: str, message: Mapping[str, Any], headers: dict[str, str]
) -> HttpResponse:
    # The operator says where Slack is; which domains the caller may reach is another matter.
    answer = await http.within(AllowedDomains(read_target(url).host)).send(
        Outgoing("POST", url, headers=headers, json=dict(message), follow_redirects=False)
    )
    if answer.status == 429:
        pause_s = pause_after(answer)
        raise CodedError(
            Code.RATE_LIMIT_EXCEEDED,
            "Slack had too many messages",
            hint=f"The next one may be sent in {pause_s:.1f} s.",
            retry_after_s=pause_s,
        )
    if answer.status >= 500:
        raise CodedError(Code.SERVICE_UNAVAILABLE, f"Slack answered {answer.status}")
    return answer


def pause_after(answer: HttpResponse) -> float:
    """Seconds to wait after an answer that says there were too many calls."""
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isdecimal() and len(told) < 6 else PAUSE_S


def _refused(said: str) -> CodedError:
    return CodedError(Code.SERVICE_REFUSED, f"Slack answered {clean_text(said, most=MOST_SAID)!r}")
