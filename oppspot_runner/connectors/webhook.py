"""Calls a webhook: JSON, signed so that the receiver knows who sent it, and when.

The headers are those of Standard Webhooks: `webhook-id`, the same each time one message is sent
again; `webhook-timestamp`, seconds since 1970; `webhook-signature`, "v1," and the HMAC-SHA256 of
"id.timestamp.body" in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.jsonsafe import dumps
from oppspot_runner.base.tool_errors import CodedError
from oppspot_runner.connectors.http.client import GuardedClient
from oppspot_runner.connectors.http.outgoing import Outgoing
from oppspot_runner.connectors.slack import pause_after

KEY_PREFIX = "whsec_"  # of a key that is written in base64


def signature(key: bytes, message_id: str, timestamp: int, body: str) -> str:
    """The value of `webhook-signature`."""
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


async def call(
    http: GuardedClient, url: str, secret: str, message_id: str, data: Mapping[str, Any]
) -> int:
    """The status of the answer, which is 2xx. Raises CodedError, never with a path of the URL."""
    body, timestamp = dumps(data), int(time.time())
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(_key(secret), message_id, timestamp, body),
    }
    outgoing = Outgoing("POST", url, headers=headers, data=body, follow_redirects=False)
    answer = await http.send(outgoing)
    host = outgoing.target().host
    if 200 <= answer.status < 300:
        return answer.status
    said = f"{host} answered {answer.status}"
    if answer.status == 429:
        raise CodedError(Code.RATE_LIMIT_EXCEEDED, said, retry_after_s=pause_after(answer))
    passing = answer.status >= 500 or answer.status in (408, 425)
    raise CodedError(Code.SERVICE_UNAVAILABLE if passing else Code.SERVICE_REFUSED, said)


def _key(secret: str) -> bytes:
    if not secret.startswith(KEY_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(KEY_PREFIX), validate=True)
    except binascii.Error:
        raise ConfigurationError(
            f"the secret of the webhook begins with {KEY_PREFIX} and is not base64 after that"
        ) from None
