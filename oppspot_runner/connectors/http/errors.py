"""What a call of another service can end with besides an answer.

No message holds more of an address than its scheme, host and port: paths and queries carry tokens.
"""

from __future__ import annotations

from oppspot_runner.base.tool_errors import CodedError


class HttpError(CodedError):
    """A call of another service without an answer that we took."""


class HttpRefusedError(HttpError):
    """We did not send the request, or did not take the answer: it breaks a rule of ours."""


class HttpFailedError(HttpError):
    """The other side could not be reached, did not answer in time, or broke off."""


class HttpUnreachedError(HttpFailedError):
    """No connection could be made: nothing was sent."""

    unsent = True
