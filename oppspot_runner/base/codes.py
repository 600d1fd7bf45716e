"""Codes of errors that programs and models read. A code never changes its meaning.

The first word of each says whether the same call may succeed when it is repeated later.
"""

from __future__ import annotations

from enum import Enum

AGAIN = True
NEVER = False


class Code(Enum):
    """What went wrong, in one word. `meaning` is for people, `retried` for who repeats calls."""

    TOOL_NOT_FOUND = (NEVER, "no tool of that name is registered, or the agent does not have it")
    TOOL_NOT_PERMITTED = (NEVER, "the security context does not permit that tool")
    TOOL_ARGUMENTS_INVALID = (NEVER, "the arguments do not fit the schema, or are too large")
    TOOL_TIMEOUT = (AGAIN, "the tool took longer than its time limit")
    TOOL_EXECUTION_FAILED = (NEVER, "the code of the tool raised an exception")
    TOOL_END_UNKNOWN = (NEVER, "the call may have been made, and must not be made twice")
    RATE_LIMIT_EXCEEDED = (AGAIN, "there were too many calls in the window of the rate limit")

    DIVISION_BY_ZERO = (NEVER, "the second number is 0")
    CALCULATION_UNDEFINED = (NEVER, "there is no real number that is the result")
    CALCULATION_TOO_LARGE = (NEVER, "the result is not between 1E-400 and 1E+400")

    URL_MALFORMED = (NEVER, "the text is no complete http or https URL, or is too long")
    URL_SCHEME_REFUSED = (NEVER, "the URL is neither http nor https")
    URL_CONTROL_CHARACTERS = (NEVER, "there are spaces or characters in the URL that nobody sees")
    URL_CREDENTIALS = (NEVER, "there is a user or a password in the URL")
    URL_AMBIGUOUS = (NEVER, "the host is spelled in a way that programs read differently")
    PORT_REFUSED = (NEVER, "the port is none of those that the operator lets through")
    DOMAIN_NOT_ALLOWED = (NEVER, "the host is not among the allowed domains")
    ADDRESS_NOT_PUBLIC = (NEVER, "the host has an address that is not on the public internet")
    HEADER_REFUSED = (NEVER, "a header is malformed, too long, or one that only the client sets")
    REQUEST_MALFORMED = (NEVER, "the method or the body of the request cannot be sent")
    REQUEST_TOO_LARGE = (NEVER, "the body of the request is larger than the limit")
    UNVERIFIED_TLS_REFUSED = (NEVER, "certificates must be verified: the operator says so")
    REDIRECT_WITH_BODY = (NEVER, "a redirect asks to send the body to another host")
    TOO_MANY_REDIRECTS = (NEVER, "there were more redirects than the limit")
    RESPONSE_TOO_LARGE = (NEVER, "the answer, unpacked, is larger than the limit")

    HTTP_TIMEOUT = (AGAIN, "the answer was not complete within the time limit")
    NAME_NOT_RESOLVED = (AGAIN, "the host has no address")
    CONNECTION_FAILED = (AGAIN, "no connection could be made, or it broke")
    TLS_FAILED = (NEVER, "the certificate of the host is not valid for it")
    RESPONSE_BROKEN = (AGAIN, "the answer ended early, or is no HTTP")

    def __init__(self, retried: bool, meaning: str) -> None:
        self.retried = retried
        self.meaning = meaning
